"""What AWS's and Terraform's own tools say about the files of deploy."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.template import Template

from cloud_tools import cloud_tools
from exporter_process import ROOT

DEPLOY = ROOT / "deploy"
TERRAFORM = DEPLOY / "terraform"
TEMPLATES = (DEPLOY / "cloudformation" / "test-fleet.yaml", DEPLOY / "iam" / "member-role.yaml")
POLICIES = sorted((DEPLOY / "iam").glob("*-policy.json"))
TRUSTS = sorted((DEPLOY / "iam").glob("*-trust*.json"))
REGIONS = ("us-east-1", "eu-central-1", "ap-southeast-2", "us-gov-west-1")
PLACEHOLDERS = {
    "ACCOUNT_ID": "111122223333",
    "HUB_": "",
    "MEMBER_": "",
    "PAYER_": "",
    "REGION": "us-east-1",
    "EXTERNAL_ID": "0123456789abcdef",
    "OIDC_PROVIDER": "oidc.eks.us-east-1.amazonaws.com/id/0123456789ABCDEF",
}
_LIMIT_SECONDS = 120


def lint(*files: Path) -> None:
    """Fail with what cfn-lint finds, hints included; it knows AWS's schemas and IAM's actions."""
    done = subprocess.run(
        [str(cloud_tools() / "cfn-lint"), "-c", "I", "-r", *REGIONS, "--", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def filled(file: Path) -> dict[str, Any]:
    """A document whose words in capitals have been replaced."""
    text = file.read_text()
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value)
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_files_are_found():
    """The other tests here would pass on nothing."""
    assert all(file.exists() for file in TEMPLATES)
    assert (len(POLICIES), len(TRUSTS)) == (5, 4)


def test_the_templates_are_clean():
    """No error, no warning, not even a hint, in four regions of two partitions."""
    lint(*TEMPLATES)


def test_the_policies_are_clean(tmp_path: Path):
    """Every action exists, and knows the resource that it is allowed for."""
    trust = filled(DEPLOY / "iam" / "hub-trust-ec2.json")
    roles = {
        f"Policy{number}": _role(trust, filled(file)) for number, file in enumerate(POLICIES)
    } | {f"Trust{number}": _role(filled(file)) for number, file in enumerate(TRUSTS)}
    template = tmp_path / "roles.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": roles}))
    lint(template)


def test_the_linter_would_have_found_an_error(tmp_path: Path):
    """An action that does not exist is one."""
    template = tmp_path / "role.json"
    policy = filled(DEPLOY / "iam" / "payer-policy.json")
    policy["Statement"][0]["Action"] = "ce:GetCostsAndUsage"
    role = _role(filled(DEPLOY / "iam" / "hub-trust-ec2.json"), policy)
    template.write_text(json.dumps({"Resources": {"Role": role}}))
    with pytest.raises(AssertionError, match="getcostsandusage"):
        lint(template)


def _role(trust: dict[str, Any], policy: dict[str, Any] | None = None) -> dict[str, Any]:
    inline = [{"PolicyName": "inline", "PolicyDocument": policy}] if policy else []
    properties = {"AssumeRolePolicyDocument": trust, "Policies": inline}
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def test_terraform_files_are_formatted():
    """As `terraform fmt` writes them; where terraform is missing, only their syntax is checked."""
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed, and in no package index")
    done = subprocess.run(
        [terraform, "fmt", "-check", "-diff", "-recursive", str(TERRAFORM)],
        env={"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1"},
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def wrapper() -> dict[str, Any]:
    """All Terraform files as one structure."""
    program = (
        "import hcl2, json, sys; print(json.dumps([hcl2.load(open(f)) for f in sys.argv[1:]]))"
    )
    done = subprocess.run(
        [str(cloud_tools() / "python"), "-c", program, *map(str, TERRAFORM.glob("*.tf"))],
        capture_output=True,
        text=True,
        timeout=_LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    merged: dict[str, Any] = {}
    for file in json.loads(done.stdout):
        for kind, blocks in file.items():
            merged.setdefault(kind, []).extend(blocks)
    return {kind: merged[kind] for kind in ("resource", "variable", "output")}


def named(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Blocks by their label; the parser leaves quotes as they are."""
    return {label.strip('"'): content for each in blocks for label, content in each.items()}


def test_terraform_hands_every_parameter_on(wrapper: dict[str, Any]):
    """All of the template but the images, with the same defaults, and nothing else."""
    stack = named([named(wrapper["resource"])["aws_cloudformation_stack"]])["test_fleet"]
    template = Template(DEPLOY / "cloudformation" / "test-fleet.yaml")
    assert set(stack["parameters"]) == set(template.parameters) - {"X86Image", "ArmImage"}
    assert "cloudformation/test-fleet.yaml" in stack["template_body"]
    variables = named(wrapper["variable"])
    for parameter, expression in stack["parameters"].items():
        variable = variables[expression.removeprefix("${var.").partition(" ")[0].rstrip("}")]
        default = template.parameters[parameter]["Default"]
        said = {True: "yes", False: "no"}.get(variable["default"], variable["default"])
        assert said.strip('"') == default, parameter


def test_terraform_tells_every_output(wrapper: dict[str, Any]):
    """Each output of the template has one of its own."""
    told = json.dumps([each["value"] for each in named(wrapper["output"]).values()])
    template = Template(DEPLOY / "cloudformation" / "test-fleet.yaml")
    for output in template.content["Outputs"]:
        assert f'outputs[\\"{output}\\"]' in told, output
    assert len(named(wrapper["output"])) == len(template.content["Outputs"])
