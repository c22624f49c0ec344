"""Images under the upstream names and paths, made of what Debian and the package index have.

BoaviztAPI is the real one, installed and started as its own image does; Prometheus and Alertmanager
are Debian's, which are older. Grafana has no stand-in.
"""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from engine import BASE, Engine

PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "docker.io/prom/prometheus": (("prometheus", "promtool"), "/prometheus"),
    "docker.io/prom/alertmanager": (("prometheus-alertmanager", "amtool"), "/alertmanager"),
}
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
BOAVIZTAPI = "ghcr.io/boavizta/boaviztapi"


def make_stand_ins(engine: Engine, images: Iterable[str]) -> None:
    """Build what there is a stand-in for, and is not there already."""
    for image in images:
        repository, _, tag = image.rpartition(":")
        if engine.has(image):
            continue
        context = engine.home / "stand-in"
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        if repository in PROGRAMS:
            text = _with_programs(context, *PROGRAMS[repository])
        elif repository == BOAVIZTAPI:
            text = _with_boaviztapi(tag)
        else:
            continue
        (context / "Dockerfile").write_text(text)
        engine.build(image, context=context)


def _with_programs(context: Path, programs: tuple[str, ...], data: str) -> str:
    """A Dockerfile; the programs it copies are put beside it."""
    (context / "bin").mkdir()
    names = [program.removeprefix("prometheus-") for program in programs]
    for program, name in zip(programs, names, strict=True):
        shutil.copy(str(shutil.which(program)), context / "bin" / name)
    shutil.copytree(TEMPLATES, context / "templates")
    return (
        f"FROM {BASE}\nCOPY bin/ /bin/\nCOPY templates/ {TEMPLATES}/\n"
        f"RUN mkdir -p {data} && chown 65534:65534 {data}\nUSER 65534:65534\n"
        f'ENTRYPOINT ["/bin/{names[0]}"]\n'
    )


def _with_boaviztapi(version: str) -> str:
    """A Dockerfile; it has no user of its own, as upstream's has none."""
    return (
        f"FROM {BASE}\nWORKDIR /app\n"
        f"RUN python3 -m pip install --no-cache-dir --disable-pip-version-check"
        f" --root-user-action ignore boaviztapi=={version}\n"
        'CMD ["uvicorn", "boaviztapi.main:app", "--host", "0.0.0.0", "--port", "5000"]\n'
    )
