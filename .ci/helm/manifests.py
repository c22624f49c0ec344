"""The objects of one release, and where in them things are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]

EXPORTER = "exporter"


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything that one set of values becomes."""

    objects: Sequence[Object]

    def of(self, kind: str, component: str = "") -> list[Object]:
        """All objects of one kind, of one component or of any."""
        label = "app.kubernetes.io/component"
        return [
            found
            for found in self.objects
            if found["kind"] == kind and component in ("", found["metadata"]["labels"][label])
        ]

    def one(self, kind: str, component: str = EXPORTER) -> Object:
        """The only one of its kind."""
        (found,) = self.of(kind, component)
        return found

    @property
    def pod(self) -> Object:
        """What the exporter's pod is made of."""
        return _pod(self.one("Deployment"))

    @property
    def container(self) -> Object:
        """The exporter itself."""
        (found,) = self.pod["containers"]
        return dict(found)

    @property
    def settings(self) -> dict[str, str]:
        """The variables that the exporter reads its settings from."""
        return dict(self.one("ConfigMap")["data"])

    def pods(self) -> Iterator[Object]:
        """Every pod there is."""
        yield from map(_pod, self.of("Deployment"))


def _pod(deployment: Object) -> Object:
    return dict(deployment["spec"]["template"]["spec"])
