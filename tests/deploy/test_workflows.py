import re

import pytest
import yaml

from tests.docs.pages import PROJECT

GITHUB = PROJECT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
CI, RELEASE = (
    yaml.safe_load((GITHUB / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))
    for name in ("ci", "release")
)


def commands(job) -> str:
    return "\n".join(step.get("run", "") for step in job["steps"])


def uses(text: str) -> list[str]:
    found = re.findall(r"uses: (.+)", text)
    return [one for one in found if not one.startswith("./")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_are_pinned(workflow):
    """By commit, with the version beside it: a tag may be moved."""
    for action in uses(workflow.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)


def test_an_action_has_one_version():
    """In whichever workflow it is used."""
    everywhere = {action for path in WORKFLOWS for action in uses(path.read_text(encoding="utf-8"))}

    assert len(everywhere) == len({action.partition("@")[0] for action in everywhere})


@pytest.mark.parametrize("workflow", [CI, RELEASE], ids=["ci", "release"])
def test_nothing_is_allowed_that_a_job_does_not_ask_for(workflow):
    """A job says itself what its token may do."""
    assert workflow["permissions"] == {}
    assert all("permissions" in job for job in workflow["jobs"].values())


def test_no_test_is_skipped_for_want_of_a_program():
    """A missing one fails; it is installed before, or stands on the runner."""
    job = CI["jobs"]["test"]

    assert job["env"]["REQUIRE_TOOLS"]
    assert "make test" in commands(job)
    for package in ("prometheus", "prometheus-alertmanager", "victoria-metrics"):
        assert re.search(rf"\s{package}\s", commands(job))


def test_a_release_passes_ci_first():
    """All of it, on the tag; nothing is published before."""
    assert RELEASE["jobs"]["checks"]["uses"] == "./.github/workflows/ci.yml"
    # YAML 1.1 reads the key `on` as true.
    assert "workflow_call" in CI[True]
    others = [job for name, job in RELEASE["jobs"].items() if name != "checks"]
    assert all(job["needs"] == "checks" for job in others)
    assert "make check" in commands(CI["jobs"]["check"])


def test_the_weekly_audit_sees_packages_of_python_and_of_debian():
    """The lock, and the image that is built of it."""
    job = CI["jobs"]["audit"]
    (scan,) = (s for s in job["steps"] if s.get("uses", "").startswith("anchore/scan-action@"))

    assert "schedule" in CI[True]
    assert "-r requirements.lock" in commands(job)
    assert f"docker build -t {scan['with']['image']} ." in commands(job)


def test_dependabot_looks_where_pins_are():
    """At actions, the Dockerfile, the chart's images, the compose file, and what checks them."""
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    looked_at = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }

    assert looked_at == {
        ("github-actions", "/"),
        ("docker", "/"),
        ("docker", "/deploy/helm/carbonfinops-exporter"),
        ("docker-compose", "/"),
        ("pip", "/.ci/containers"),
    }
    for _, folder in looked_at:
        assert (PROJECT / folder.strip("/")).is_dir()
