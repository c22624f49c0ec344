"""The policies, the table of permissions and what the exporter asks AWS are one."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

import exporter.sources.aws
from exporter.configuration import known_names
from exporter.iam_reference import iam_reference
from exporter.settings import LEVELS, PREFIX
from exporter.sources.aws.failures import translate
from exporter.sources.aws.permissions import ACTIONS, PERMISSIONS, Permission, Policy
from tests.deploy.template import DEPLOY, PROJECT, Template

FOLDER = DEPLOY / "iam"
PAGE = PROJECT / "docs" / "reference" / "iam.md"
SOURCES = Path(exporter.sources.aws.__file__).parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
ROLE_ARN = re.compile(r"arn:aws:iam::(\*|[A-Z_]+):role/carbonfinops-reader")
INLINE_CHARACTERS = 10_240
"""What the inline policies of a role may have together (IAM quotas, 2026)."""


def name_of(permission: Permission) -> str:
    return permission.action


def statements(file: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((FOLDER / file).read_text("utf-8"))["Statement"]
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def actions(found: list[dict[str, Any]]) -> list[str]:
    return sorted(action for each in found for action in as_list(each["Action"]))


def asked() -> Iterator[tuple[str, str]]:
    """(module, operation) of each call of an operation by its name, and of roles assumed."""
    for path in SOURCES.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="answer" | "pages"),
                    args=[ast.Constant(value=str(name)), *_],
                ):
                    yield path.stem, name
                case ast.Call(func=ast.Name(id="AssumeRoleCredentialFetcher")):
                    yield path.stem, "assume_role"


def test_the_page_is_what_the_program_says():
    """The reference cannot drift from the list; `make docs` writes it again."""
    assert PAGE.read_text(encoding="utf-8") == iam_reference()


def test_every_operation_that_is_asked_is_in_the_list():
    """And none is in it that nobody asks."""
    assert {name for _, name in asked()} == {xform_name(each.operation) for each in PERMISSIONS}


def test_there_is_no_other_way_to_ask():
    """Operations are called by name through one place, which the test above knows."""
    makers = {
        path.stem: re.findall(r"\.client\(|getattr\(client", path.read_text("utf-8"))
        for path in SOURCES.glob("*.py")
    }
    assert {name for name, found in makers.items() if found} == {"endpoint", "session"}
    unnamed = [
        ast.unparse(node)
        for path in SOURCES.glob("*.py")
        if path.stem not in {"endpoint", "pace"}
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"answer", "pages"}
        and not isinstance(node.args[0], ast.Constant)
    ]
    assert unnamed == []


@pytest.mark.parametrize("permission", PERMISSIONS, ids=name_of)
def test_aws_knows_the_operation(permission: Permission):
    """Service and operation are in the SDK's models, under these names."""
    model = botocore.session.get_session().get_service_model(permission.service)
    assert permission.operation in model.operation_names


def test_each_action_is_listed_once():
    """No operation is in the table twice."""
    assert len(ACTIONS) == len(PERMISSIONS)


@pytest.mark.parametrize("policy", Policy)
def test_a_policy_allows_exactly_what_the_list_says(policy: Policy):
    """Every action once, none by a wildcard, nothing else."""
    wanted = sorted(each.action for each in PERMISSIONS if policy in each.policies)
    assert actions(statements(f"{policy}.json")) == wanted


def test_every_policy_is_in_the_list():
    """No file is left over."""
    assert {path.stem for path in FOLDER.glob("*-policy.json")} == set(Policy)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_a_document_is_well_formed(path: Path):
    """IAM's newest language, statements that allow and have a name, and room to spare."""
    content = json.loads(path.read_text("utf-8"))
    sids = [each["Sid"] for each in content["Statement"]]
    assert content["Version"] == "2012-10-17"
    assert {each["Effect"] for each in content["Statement"]} == {"Allow"}
    assert len(set(sids)) == len(sids)
    assert all(re.fullmatch("[A-Za-z0-9]+", sid) for sid in sids)
    assert len(json.dumps(content)) < INLINE_CHARACTERS / len(Policy)


@pytest.mark.parametrize("policy", Policy)
def test_a_resource_is_everything_only_where_there_is_nothing_narrower(policy: Policy):
    """Roles are named; with any account's, only those of the own organization."""
    for each in statements(f"{policy}.json"):
        if each["Action"] != "sts:AssumeRole":
            assert each["Resource"] == "*"
            continue
        for resource in as_list(each["Resource"]):
            assert ROLE_ARN.fullmatch(resource)
            inside = {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}"}}
            assert ("*" in resource) == (each.get("Condition") == inside)


def test_a_member_is_read_as_the_hub_is():
    """What is said of a fleet does not depend on the account that it is in."""
    hub, member = statements("hub-policy.json"), statements("member-policy.json")
    assert [each for each in hub if each["Sid"] != "ReadListPrices"] == member


def test_the_template_grants_what_the_files_do():
    """Statement by statement, but for the regions that it may be limited to."""
    template = Template(FOLDER / "member-role.yaml")
    policies = template.resources("AWS::IAM::Policy")
    fleet = policies["FleetPolicy"]["PolicyDocument"]["Statement"]
    limit = fleet[0].pop("Condition")
    assert fleet == statements("member-policy.json")
    assert policies["BillPolicy"]["PolicyDocument"]["Statement"] == statements("payer-policy.json")
    some = {"StringEquals": {"aws:RequestedRegion": {"Ref": "Regions"}}}
    assert limit == {"Fn::If": ["InSomeRegions", some, {"Ref": "AWS::NoValue"}]}


def test_the_template_trusts_whom_the_file_trusts():
    """The hub's role and nobody else, with the external id, which is never shown."""
    template = Template(FOLDER / "member-role.yaml")
    role = template.resources("AWS::IAM::Role")["Reader"]
    trust = json.dumps(role["AssumeRolePolicyDocument"]["Statement"])
    hub_role = "arn:aws:iam::HUB_ACCOUNT_ID:role/carbonfinops"
    trust = trust.replace('{"Ref": "HubPrincipalArn"}', f'"{hub_role}"')
    trust = trust.replace('{"Ref": "ExternalId"}', '"EXTERNAL_ID"')
    assert json.loads(trust) == statements("member-trust.json")
    assert template.parameters["ExternalId"]["NoEcho"] is True


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*-trust*.json")), ids=lambda path: path.stem)
def test_a_role_is_given_to_one_kind_of_caller(path: Path):
    """Never to everybody; a caller that AWS cannot tell apart by its name, under a condition."""
    (statement,) = json.loads(path.read_text("utf-8"))["Statement"]
    ((_, principal),) = statement["Principal"].items()
    assert isinstance(principal, str)
    assert "*" not in principal
    assert principal == "ec2.amazonaws.com" or statement["Condition"]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_is_to_be_filled_in_is_told(path: Path):
    """Every word in capitals of a document is in the README, beside the name of the file."""
    words = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b|\b(?:REGION|NAMESPACE)\b", path.read_text()))
    paragraphs = [each for each in re.split(r"\n(?:\n|\|)", README) if f"`{path.name}`" in each]
    assert paragraphs, "the README does not name it"
    assert all(any(f"`{word}`" in each for each in paragraphs) for word in words), words


@pytest.mark.parametrize("permission", PERMISSIONS, ids=name_of)
def test_the_settings_that_the_list_names_exist(permission: Permission):
    """A page that sends to a setting sends to one that there is."""
    names = {PREFIX + LEVELS.join(path).upper() for path in known_names()}
    named = re.findall(rf"{PREFIX}\w+", permission.asked + permission.lost)
    assert set(named) <= names


@pytest.mark.parametrize(
    "permission", [each for each in PERMISSIONS if each.operation != "AssumeRole"], ids=name_of
)
def test_a_refusal_names_the_action(permission: Permission):
    """What the log and `check` say to allow is what the list says."""
    answer = {"Error": {"Code": "AccessDeniedException", "Message": "no"}}
    error = ClientError(answer, permission.operation)  # type: ignore[arg-type] # the part that counts
    assert f"allow {permission.action} in" in translate(error, "asking").detail
