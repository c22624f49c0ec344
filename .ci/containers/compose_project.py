"""Services of the compose file, run by podman-compose from a copy of the project."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import eventually

from engine import Engine
from project_copy import Services, copy_project
from stand_in_images import make_stand_ins

PROGRAM = Path(os.environ.get("CONTAINER_TOOLS", Path(sys.executable).parent)) / "podman-compose"
HEALTHY_SECONDS = 60


class ComposeProject:
    """One profile of the file in ``folder``.

    Services are started one by one, and their conditions are looked after here. podman-compose
    orders them too, but podman starts what has ended once more with each service that depends on
    it, asks for no exit code, and knows health checks in such conditions only since 4.6.
    """

    def __init__(self, engine: Engine, folder: Path, profile: str, services: Services) -> None:
        self.folder = folder
        self._engine = engine
        self._profile = profile
        self._services = services
        self._started: set[str] = set()

    def bring_up(self, *names: str) -> None:
        """Start services, each when the conditions of its own are met. Raises RuntimeError."""
        for name in names:
            if name in self._started:
                continue
            for needed, how in self._services[name].get("depends_on", {}).items():
                self.bring_up(needed)
                self._await(needed, how["condition"])
            self._compose("up", "-d", "--no-build", "--no-deps", name)
            self._started.add(name)

    def _await(self, name: str, condition: str) -> None:
        match condition:
            case "service_completed_successfully":
                code = self._engine.podman("wait", self.container(name)).stdout.strip()
                if code != "0":
                    raise RuntimeError(f"{name} ended with {code}:\n{self.log(name)}")
            case "service_healthy":
                self.until_healthy(name)
            case _:
                raise RuntimeError(f"{name}: condition {condition} is not known here")

    def until_healthy(self, name: str) -> None:
        """Run the health check of a service until it succeeds."""
        check = ("healthcheck", "run", self.container(name))
        eventually(
            lambda: self._engine.podman(*check, check=False).returncode == 0,
            HEALTHY_SECONDS,
            f"{name} is healthy",
        )

    def container(self, name: str) -> str:
        """The name of a service's container."""
        return f"carbonfinops_{name}_1"

    def run(self, name: str, *command: str) -> str:
        """What a command prints inside of a service's container. Raises RuntimeError."""
        return self._engine.podman("exec", self.container(name), *command).stdout

    def log(self, name: str) -> str:
        """Everything a service printed."""
        done = self._engine.podman("logs", self.container(name))
        return done.stdout + done.stderr

    def stop(self, name: str) -> None:
        """Stop a service."""
        self._engine.podman("stop", "-t", "5", self.container(name))

    def down(self) -> None:
        """Remove everything, volumes too."""
        self._compose("down", "-v")

    def _compose(self, *arguments: str) -> None:
        done = subprocess.run(
            [str(PROGRAM), "--in-pod=false", f"--profile={self._profile}", *arguments],
            env=self._engine.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        if done.returncode:
            raise RuntimeError(f"podman-compose {arguments}:\n{done.stdout}\n{done.stderr}")


@contextmanager
def composed(
    engine: Engine, parent: Path, profile: str, image: str, hook: str
) -> Iterator[ComposeProject]:
    """A copy of the project, nothing of it started; nothing is left in the end."""
    folder = parent / "carbonfinops"
    services = copy_project(folder, image, hook)
    make_stand_ins(engine, {service["image"] for service in services.values()})
    project = ComposeProject(engine, folder, profile, services)
    project.down()  # what a run that was cut short has left
    try:
        yield project
    finally:
        project.down()
