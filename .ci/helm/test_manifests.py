"""The objects that are made: valid, joined to one another, hardened."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from chart import Helm

from manifests import EXPORTER, Manifests

CUSTOM = "monitoring.coreos.com/v1"
VERSIONS = ("1.25", "1.32", "1.37")
"""Of Kubernetes: the oldest that the chart takes, one in between, the newest with a schema."""


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_knows_every_field(
    all_manifests: dict[str, Manifests], validator: Path, tmp_path: Path, version: str
) -> None:
    """Every object follows the schema, to the last key. Those of the operator have none here."""
    for name, made in all_manifests.items():
        known = [found for found in made.objects if found["apiVersion"] != CUSTOM]
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump_all(known))
    files = sorted(tmp_path.glob("*.yaml"))
    done = subprocess.run(
        [validator, "--strict", "-k", version, *files], capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert said.count(" passed ") == sum(
        len(list(yaml.safe_load_all(file.read_text()))) for file in files
    )


def test_no_object_is_made_twice(manifests: Manifests) -> None:
    """Each has a name of its own, in the namespace of the release or one that was asked for."""
    named = [
        (made["kind"], made["metadata"]["namespace"], made["metadata"]["name"])
        for made in manifests.objects
    ]
    assert len(named) == len(set(named))
    assert {namespace for _, namespace, _ in named} <= {"watch", "grafana"}


def test_no_secret_is_made(manifests: Manifests) -> None:
    """Secrets exist before, and are only named."""
    assert not manifests.of("Secret")


def test_pods_are_found(manifests: Manifests) -> None:
    """Whatever selects pods selects those of one component, and there are some."""
    pods = [made["spec"]["template"]["metadata"]["labels"] for made in manifests.of("Deployment")]
    selectors = [made["spec"]["selector"] for made in manifests.of("Service")]
    selectors += [made["spec"]["selector"]["matchLabels"] for made in manifests.of("Deployment")]
    selectors += [
        made["spec"]["podSelector"]["matchLabels"] for made in manifests.of("NetworkPolicy")
    ]
    for selector in selectors:
        assert sum(selector.items() <= labels.items() for labels in pods) == 1


def test_pods_are_restricted(manifests: Manifests) -> None:
    """As the Pod Security Standard `restricted` demands, and with a file system of stone."""
    for pod in manifests.pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & pod.keys()
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"requests", "limits"} <= container["resources"].keys()
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()
        kinds = {key for volume in pod.get("volumes", ()) for key in volume.keys() - {"name"}}
        assert kinds <= {"persistentVolumeClaim", "emptyDir", "projected", "configMap"}


def test_nobody_is_root(all_manifests: dict[str, Manifests]) -> None:
    """The image's own user, unless the cluster has users of its own to give."""
    for name, made in all_manifests.items():
        for pod in made.pods():
            users = [pod["securityContext"].get(key) for key in ("runAsUser", "fsGroup")]
            assert users == ([None, None] if name == "client certificates" else [65532, 65532])


def test_there_is_one_exporter_and_never_two(manifests: Manifests) -> None:
    """The old one ends before the new one begins: two would pay twice, and one holds the state."""
    made = manifests.one("Deployment")["spec"]
    assert made["replicas"] == 1
    assert made["strategy"] == {"type": "Recreate"}


def test_kubernetes_adds_no_settings(manifests: Manifests) -> None:
    """Variables of Services would begin with CARBONFINOPS_, and stop the exporter as unknown."""
    assert manifests.pod["enableServiceLinks"] is False


def test_every_mount_is_of_a_volume_and_only_the_state_is_writable(manifests: Manifests) -> None:
    """Nothing is mounted that is not there, nor the other way round."""
    mounts = {mount["name"]: mount for mount in manifests.container["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in manifests.pod["volumes"]}
    assert {name for name, mount in mounts.items() if not mount.get("readOnly")} == {"state"}
    assert mounts["state"]["mountPath"] == manifests.settings["CARBONFINOPS_STATE_DIR"]


def test_the_service_tells_of_an_exporter_without_a_fleet(manifests: Manifests) -> None:
    """It is scraped before it is ready: what is wrong is in its metrics."""
    service = manifests.one("Service")["spec"]
    assert service["publishNotReadyAddresses"] is True
    (port,) = service["ports"]
    (own,) = manifests.container["ports"]
    assert port["targetPort"] == own["name"]
    assert manifests.settings["CARBONFINOPS_WEB__LISTEN_ADDRESS"].endswith(
        f":{own['containerPort']}"
    )


def test_other_settings_are_another_pod(helm: Helm) -> None:
    """A change of settings restarts the exporter, nothing else does."""

    def checksum(**settings: str) -> str:
        made = Manifests(helm.objects({"settings": settings})).one("Deployment")
        return str(made["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert checksum(LOG__LEVEL="debug") == checksum(LOG__LEVEL="debug")
    assert checksum(LOG__LEVEL="debug") != checksum(LOG__LEVEL="info")


def test_probes_ask_what_can_be_answered(all_manifests: dict[str, Manifests]) -> None:
    """Over HTTP or HTTPS; from inside where certificates are asked for: Kubernetes has none."""
    asked = {
        name: [made.container[f"{kind}Probe"] for kind in ("startup", "liveness", "readiness")]
        for name, made in all_manifests.items()
    }
    paths = ["/-/healthy", "/-/healthy", "/-/ready"]
    for name, scheme in (("defaults", "HTTP"), ("tls", "HTTPS")):
        assert [probe["httpGet"]["path"] for probe in asked[name]] == paths
        assert {probe["httpGet"]["scheme"] for probe in asked[name]} == {scheme}
    for probe in asked["client certificates"]:
        assert probe["exec"]["command"] == ["carbonfinops", "health"]


def test_a_role_and_a_claim_are_those_that_were_asked_for(
    all_manifests: dict[str, Manifests],
) -> None:
    """IRSA by annotation; state that survives the release; none of either where they exist."""
    account = all_manifests["eks"].one("ServiceAccount")
    role = account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert role == "arn:aws:iam::111122223333:role/carbonfinops"
    assert all_manifests["eks"].pod["serviceAccountName"] == account["metadata"]["name"]
    claim = all_manifests["eks"].one("PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"]["storageClassName"] == "gp3"
    elsewhere = all_manifests["elsewhere"]
    assert not elsewhere.of("ServiceAccount")
    assert not elsewhere.of("PersistentVolumeClaim")
    assert elsewhere.pod["serviceAccountName"] == "default"
    assert elsewhere.pod["volumes"][0]["persistentVolumeClaim"] == {"claimName": "books"}
    assert elsewhere.container["image"].endswith(f"@sha256:{'ab' * 32}")


def test_traffic_is_what_it_needs(all_manifests: dict[str, Manifests]) -> None:
    """In: the namespaces that scrape. Out: HTTPS, names, the BoaviztAPI, and what was added."""
    policy = all_manifests["defaults"].one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (ingress,) = policy["ingress"]
    label = "kubernetes.io/metadata.name"
    assert [who["namespaceSelector"]["matchLabels"][label] for who in ingress["from"]] == [
        "monitoring"
    ]
    assert [port["port"] for port in ingress["ports"]] == [10105]
    ports = [[port["port"] for port in rule["ports"]] for rule in policy["egress"]]
    assert ports == [[443], [53, 53], [5000]]
    added = all_manifests["elsewhere"].one("NetworkPolicy")["spec"]["egress"][-1]
    assert added["to"] == [{"ipBlock": {"cidr": "169.254.170.23/32"}}]


def test_the_boaviztapi_answers_the_exporter_and_calls_nobody(
    all_manifests: dict[str, Manifests],
) -> None:
    """It gets nothing from outside, and the exporter knows its address."""
    made = all_manifests["defaults"]
    policy = made.one("NetworkPolicy", "boaviztapi")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert "egress" not in policy
    selected = policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert selected["app.kubernetes.io/component"] == EXPORTER
    service = made.one("Service", "boaviztapi")
    address = made.settings["CARBONFINOPS_BOAVIZTA__BASE_URL"]
    assert re.fullmatch(rf"http://{service['metadata']['name']}:5000", address)
