"""Log lines: one event is one line, and nothing in it can pretend to be another."""

import json
import logging
import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.logs import JsonFormatter, LogfmtFormatter, configure_logging

INJECTION = (
    'i-1" level=error msg="paid\ntime=2027 level=info msg=forged\r\n\\" \x1b[2J\x85\u2028x=y'
)
LOGGERS = ("exporter.refresh", "urllib3.connectionpool", "botocore.retries", "dotenv.main")
_PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^ "]*)(?: |$)')


def record(message: str = "source failed", **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "exporter.refresh", "levelno": 30, "levelname": "WARNING", "msg": message}
    )
    made.created = 1_800_000_000.25
    vars(made).update(extra)
    return made


def parsed(line: str) -> dict[str, str]:
    """Read logfmt independently of how it was written: key, =, bare or JSON text, space."""
    event, position = {}, 0
    while position < len(line):
        match = _PAIR.match(line, position)
        assert match, line[position:]
        value = match[2]
        assert match[1] not in event
        event[match[1]] = json.loads(value) if value.startswith('"') else value
        position = match.end()
    return event


def test_logfmt_line():
    """Time in UTC, level, message, then what it is about in the order given."""
    line = LogfmtFormatter().format(record(source="pricing", reason="timeout", failures=3))

    assert line == (
        'time=2027-01-15T08:00:00.250Z level=warning msg="source failed"'
        " source=pricing reason=timeout failures=3"
    )


def test_json_line():
    """The same as one JSON object; numbers stay numbers."""
    line = JsonFormatter().format(record(source="pricing", failures=3, scope=("a", "b")))

    assert json.loads(line) == {
        "time": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "msg": "source failed",
        "source": "pricing",
        "failures": 3,
        "scope": ["a", "b"],
    }


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
def test_one_event_is_one_line(formatter):
    """Whatever an upstream smuggles into a detail, no line reader sees a second event."""
    line = formatter.format(record(detail=INJECTION, name2="ok"))

    assert len(line.splitlines()) == 1
    assert all(character.isprintable() for character in line)


def test_logfmt_gives_back_what_was_logged():
    """Quotes, newlines and equal signs stay inside their value."""
    event = parsed(LogfmtFormatter().format(record(detail=INJECTION, empty="", after="x")))

    assert event["detail"] == INJECTION
    assert (event["empty"], event["after"], event["msg"]) == ("", "x", "source failed")


@given(st.dictionaries(st.sampled_from(["source", "detail", "region"]), st.text(), max_size=3))
def test_round_trip_of_any_text(extra):
    """Both forms lose nothing."""
    made = record(**extra)

    lines = [LogfmtFormatter().format(made), JsonFormatter().format(made)]
    for event in (parsed(lines[0]), json.loads(lines[1])):
        assert {key: event[key] for key in extra} == extra
    assert [len(line.splitlines()) for line in lines] == [1, 1]


@pytest.mark.parametrize("formatter", [LogfmtFormatter(), JsonFormatter()])
def test_a_traceback_is_part_of_its_line(formatter):
    """A bug is one event too."""
    made = record()
    try:
        vars(made)[INJECTION]
    except KeyError:
        made.exc_info = sys.exc_info()

    line = formatter.format(made)

    assert len(line.splitlines()) == 1
    event = json.loads(line) if line.startswith("{") else parsed(line)
    assert event["traceback"].startswith("Traceback (most recent call last):\n")
    assert "KeyError" in event["traceback"]


def test_arguments_of_a_message_are_filled_in():
    """As the logging module does it."""
    made = record("request from %s failed")
    made.args = ("127.0.0.1",)

    assert parsed(LogfmtFormatter().format(made))["msg"] == "request from 127.0.0.1 failed"


@pytest.fixture
def _restored_logging():
    names = ("", "exporter", "botocore", "urllib3")
    levels = {name: logging.getLogger(name).level for name in names}
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("_restored_logging")
@pytest.mark.parametrize(
    ("level", "seen"),
    [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")],
)
def test_levels(capsys, level, seen):
    """The setting is about our own events; libraries speak from warnings upwards at the most."""
    configure_logging(level, "json")
    for name in LOGGERS:
        for severity in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logging.getLogger(name).log(severity, name)

    output = capsys.readouterr()
    letters = dict.fromkeys(LOGGERS, "")
    for line in output.err.splitlines():
        event = json.loads(line)
        letters[event["msg"]] += event["level"][0]
    assert letters == {
        "exporter.refresh": seen,
        "urllib3.connectionpool": "e",
        "botocore.retries": "e",
        "dotenv.main": "we",
    }
    assert output.out == ""


@pytest.mark.usefixtures("_restored_logging")
def test_form_of_the_lines(capsys):
    """Logfmt unless JSON is asked for; configuring again replaces, it does not add."""
    configure_logging("info", "json")
    configure_logging("info", "logfmt")
    logging.getLogger("exporter.cli").info("listening", extra={"url": "http://127.0.0.1:1/"})

    (line,) = capsys.readouterr().err.splitlines()
    assert parsed(line)["url"] == "http://127.0.0.1:1/"
