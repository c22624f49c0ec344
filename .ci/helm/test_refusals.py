"""What the chart refuses, before anything is installed."""

from typing import Any

import pytest
from chart import Helm

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt value": ({"presistence": {}}, "presistence"),
    "a misspelt value further down": ({"persistence": {"sise": "1Gi"}}, "sise"),
    "a misspelt setting": ({"settings": {"AWS__REGOINS": "eu-west-1"}}, "AWS__REGOINS"),
    "an unknown source": ({"settings": {"TTL__PRICES": "1h"}}, "TTL__PRICES"),
    "a list that is none": ({"settings": {"LOG__LEVEL": ["debug"]}}, "LOG__LEVEL"),
    "a default taken away": ({"args": None}, "args is required"),
    "a secret among the settings": (
        {"settings": {"ELECTRICITY_MAPS__TOKEN": "canary"}},
        "ELECTRICITY_MAPS__TOKEN",
    ),
    "a secret in place of its name": (
        {"secrets": {"ELECTRICITY_MAPS__TOKEN": "canary"}},
        "secrets.ELECTRICITY_MAPS__TOKEN",
    ),
    "a secret of something that is none": (
        {"secrets": {"LOG__LEVEL": {"existingSecret": "a", "key": "b"}}},
        "LOG__LEVEL",
    ),
    "a secret without a key": (
        {"secrets": {"ELECTRICITY_MAPS__TOKEN": {"existingSecret": "a"}}},
        "key is required",
    ),
    "a setting that the chart decides": (
        {"settings": {"WEB__LISTEN_ADDRESS": "0.0.0.0:1"}},
        "WEB__LISTEN_ADDRESS",
    ),
    "a setting past the chart": (
        {"extraEnv": [{"name": "CARBONFINOPS_LOG__LEVEL", "value": "debug"}]},
        "extraEnv.0",
    ),
    "a name that no object can have": ({"nameOverride": "Foo_Bar"}, "nameOverride"),
    "a scrape that may last longer than its interval": (
        {"serviceMonitor": {"enabled": True, "interval": "15s", "scrapeTimeout": "1m"}},
        "serviceMonitor.scrapeTimeout",
    ),
    "a default that is too long for the interval": (
        {"serviceMonitor": {"enabled": True, "interval": "29s999ms"}},
        "serviceMonitor.scrapeTimeout",
    ),
    "an interval that the operator cannot read": (
        {"serviceMonitor": {"interval": "30s1m"}},
        "serviceMonitor.interval",
    ),
    "a volume that no pod can have": (
        {"extraVolumes": [{"name": "Foo_Bar", "configMap": {"name": "a"}}]},
        "extraVolumes.0",
    ),
    "a volume in the place of the state": (
        {"extraVolumes": [{"name": "state", "configMap": {"name": "a"}}]},
        "extraVolumes.0",
    ),
    "a folder of the node": (
        {"extraVolumes": [{"name": "node", "hostPath": {"path": "/"}}]},
        "extraVolumes.0",
    ),
    "something else to write to": (
        {"extraVolumeMounts": [{"name": "proxy", "mountPath": "/etc/proxy"}]},
        "extraVolumeMounts.0",
    ),
    "two replicas": ({"replicas": 2}, "replicas"),
    "root": ({"runAsUser": 0}, "runAsUser"),
    "a label that selects the pods": (
        {"podLabels": {"app.kubernetes.io/name": "other"}},
        "podLabels",
    ),
    "a privileged port": ({"web": {"port": 443}}, "web.port"),
    "something that is no role": ({"serviceAccount": {"roleArn": "admin"}}, "roleArn"),
    "a role for nobody": (
        {"serviceAccount": {"create": False, "roleArn": "arn:aws:iam::111122223333:role/a"}},
        "serviceAccount.create",
    ),
    "a policy that lets everybody in": (
        {"networkPolicy": {"ingressNamespaces": []}},
        "ingressNamespaces",
    ),
    "a policy that lets everybody in, by null": (
        {"networkPolicy": {"ingressNamespaces": None}},
        "ingressNamespaces",
    ),
    "TLS without a web config file": ({"web": {"tls": True}}, "web.existingSecret"),
    "client certificates without TLS": (
        {"web": {"existingSecret": "web", "clientCertificates": True}},
        "web.tls",
    ),
}


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_refused_and_named(helm: Helm, values: dict[str, Any], named: str) -> None:
    """No silent effect, no half of a protection; the message says where, and no secret."""
    with pytest.raises(RuntimeError) as refusal:
        helm.text(values)
    assert named in str(refusal.value)
    assert "canary" not in str(refusal.value)


@pytest.mark.parametrize("release", ["9ci", "my.rel"])
def test_a_release_that_no_service_can_be_named_after(helm: Helm, release: str) -> None:
    """Helm takes such names, Kubernetes would refuse half of what is installed."""
    with pytest.raises(RuntimeError, match="no Service can be named so; set fullnameOverride"):
        helm.text({}, release)

    assert helm.text({"fullnameOverride": "carbonfinops"}, release)
