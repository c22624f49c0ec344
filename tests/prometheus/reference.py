"""The reference page of the recording rules, written from the rule files.

python -m tests.prometheus.reference > docs/reference/recording-rules.md
"""

import re
import sys
from collections.abc import Iterator
from textwrap import dedent

from tests.prometheus.rulebook import Group, RuleFile, passes, recording_files

_INTRODUCTION = """\
# Recording rules

Generated from `prometheus/rules/*.rules.yml` by `make docs`: edit the rules, not this page.

Dashboards and alerts sum and average what is recorded here, never the series of instances: those
end with their instance, and with them a part of what a team has used. Names are
`level:metric:operations`. The level says which labels there are beside `job`: none for `fleet`,
`account_id` for `account`, the four canonical tags for `tag_set`, the three named by
`account_region_instance_type`, otherwise the level itself (`region`, `instance_type`, `source`,
`tag_team`, `tag_environment`, `tag_service`, `tag_cost_center`). Everything is evaluated at
Prometheus' own interval, except where one is named.

To record the past, too (`promtool tsdb create-blocks-from rules`), Prometheus must load what each
of these steps has written before the next one is made, as `prometheus/history.sh` does:
"""


def recording_reference() -> str:
    """Render the page as Markdown."""
    files = recording_files()
    steps = [
        f"{number}. " + ", ".join(f"`{file.path.name}`" for file in step)
        for number, step in enumerate(passes(files), start=1)
    ]
    ordered = [file for step in passes(files) for file in step]
    return "\n".join([_INTRODUCTION, *steps, "", *(_section(file) for file in ordered)])


def _section(file: RuleFile) -> str:
    return "\n".join([f"## {file.path.name}", "", *_prose(file.comment), *map(_group, file.groups)])


def _group(group: Group) -> str:
    lines = [*_prose(group.comment)]
    if group.interval:
        lines += [f"Evaluated every {group.interval}.", ""]
    lines += ["| Series | Meaning |", "| --- | --- |"]
    lines += [f"| `{rule.record}` | {_code(_joined(rule.comment))} |" for rule in group.rules]
    lines += ["", "```promql"]
    for rule in group.rules:
        lines += [f"# {rule.record}", dedent(rule.expr), ""]
    return "\n".join([*lines[:-1], "```", ""])


def _prose(comment: str) -> Iterator[str]:
    """Paragraphs; an example of a rule file stays as it is."""
    before, example, after = comment.partition("groups:\n")
    for paragraph in filter(None, before.split("\n\n")):
        yield _code(paragraph.strip("\n"))
        yield ""
    if example:
        yield f"```yaml\n{example}{after}\n```\n"


def _joined(comment: str) -> str:
    return " ".join(comment.split())


def _code(text: str) -> str:
    """Set identifiers as code: Markdown would read underscores and asterisks as its own."""
    return re.sub(r"[\w.:]*[_][\w:]*", r"`\g<0>`", text)


if __name__ == "__main__":
    sys.stdout.write(recording_reference())
