"""Values that the chart is rendered with: each choice that it offers is made in one of them."""

from collections.abc import Mapping
from typing import Any

KEY = {"existingSecret": "carbonfinops", "key": "electricity-maps-token"}

VALUE_SETS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "demo": {
        "args": ["demo", "--instances=50"],
        "boaviztapi": {"enabled": False},
        "persistence": {"enabled": False},
        "networkPolicy": {"enabled": False},
    },
    "eks": {
        "settings": {
            "AWS__REGIONS": ["eu-central-1", "eu-west-1"],
            "AWS__TAG_LABELS": {"team": "Team & Co", "environment": "env"},
            "AWS__COST_EXPLORER": False,
            "BUDGET__GRAMS_PER_MONTH": 250000000,
            "BUDGET__EUR_PER_MONTH": 0.5,
            "PUE__EU_WEST_2": 1.15,
            "TTL__CLOUDWATCH_CPU": "1h",
            "SCENARIOS__OFFICE_HOURS": "Mon-Fri 08:00-18:00",
        },
        "secrets": {
            "ELECTRICITY_MAPS__TOKEN": KEY,
            "AWS__ACCOUNTS": {"existingSecret": "carbonfinops-accounts", "key": "json"},
        },
        "serviceAccount": {"roleArn": "arn:aws:iam::111122223333:role/carbonfinops"},
        "aws": {"region": "eu-central-1"},
        "persistence": {"storageClass": "gp3", "size": "5Gi"},
    },
    "elsewhere": {
        "fullnameOverride": "carbonfinops",
        "aws": {"region": "eu-central-1", "existingSecret": "aws"},
        "settings": {"BOAVIZTA__BASE_URL": "https://boavizta.example.org"},
        "boaviztapi": {"enabled": False},
        "serviceAccount": {"create": False},
        "persistence": {"existingClaim": "books"},
        "extraEnv": [
            {"name": "HTTPS_PROXY", "value": "http://proxy:3128"},
            {"name": "REQUESTS_CA_BUNDLE", "value": "/etc/proxy/ca.crt"},
        ],
        "extraVolumes": [{"name": "proxy", "configMap": {"name": "proxy-authority"}}],
        "extraVolumeMounts": [{"name": "proxy", "mountPath": "/etc/proxy", "readOnly": True}],
        "imagePullSecrets": [{"name": "registry"}],
        "image": {"digest": f"sha256:{'ab' * 32}"},
        "priorityClassName": "important",
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [
                        {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
                    ]
                }
            }
        },
        "podAnnotations": {"team": "platform"},
        "podLabels": {"team": "platform"},
        "service": {"annotations": {"team": "platform"}},
        "networkPolicy": {
            "ingressNamespaces": ["monitoring", "grafana"],
            "extraEgress": [
                {
                    "to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}],
                    "ports": [{"port": 80, "protocol": "TCP"}],
                }
            ],
        },
    },
    "tls": {
        "web": {"existingSecret": "web", "certificateSecret": "certificate", "tls": True},
        "secrets": {"ELECTRICITY_MAPS__TOKEN": KEY},
    },
    "client certificates": {
        "web": {
            "existingSecret": "web",
            "key": "config",
            "tls": True,
            "clientCertificates": True,
            "host": "::",
            "port": 34001,
        },
        # As OpenShift wants it.
        "runAsUser": None,
    },
    "operator": {
        "web": {"existingSecret": "web", "certificateSecret": "certificate", "tls": True},
        "serviceMonitor": {
            "enabled": True,
            "labels": {"release": "kube-prometheus-stack"},
            "tlsConfig": {"ca": {"secret": {"name": "certificate", "key": "ca.crt"}}},
            "basicAuth": {
                "username": {"name": "scrape", "key": "user"},
                "password": {"name": "scrape", "key": "password"},
            },
        },
        "prometheusRule": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}},
        "dashboards": {"enabled": True, "namespace": "grafana"},
    },
}
