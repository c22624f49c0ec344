"""One line per event on standard error, as logfmt or JSON.

What an event is about is passed as ``extra``; messages themselves are constant, so that they can
be searched and counted.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def _event(record: logging.LogRecord) -> dict[str, object]:
    instant = datetime.fromtimestamp(record.created, UTC)
    event: dict[str, object] = {
        "time": instant.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "msg": record.getMessage(),
    }
    event |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
    if record.exc_info:
        event["traceback"] = logging.Formatter().formatException(record.exc_info)
    return event


def _one_line(text: str) -> str:
    """Escape what is not printable: whatever an upstream sends, an event stays one line."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _logfmt_value(value: object) -> str:
    text = str(value)
    if text and all(c.isprintable() and c not in ' "=\\' for c in text):
        return text
    return json.dumps(text, ensure_ascii=False)


class LogfmtFormatter(logging.Formatter):
    """time=... level=... msg="..." key=value ..."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        pairs = (f"{key}={_logfmt_value(value)}" for key, value in _event(record).items())
        return _one_line(" ".join(pairs))


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        return _one_line(json.dumps(_event(record), ensure_ascii=False, default=str))


def configure_logging(level: str, form: Literal["logfmt", "json"]) -> None:
    """Send the exporter's events to standard error; libraries only from warnings upwards."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(JsonFormatter() if form == "json" else LogfmtFormatter())
    logging.basicConfig(handlers=[stream], level=logging.WARNING, force=True)
    logging.getLogger("exporter").setLevel(level.upper())
    # Both speak of every retry; the sources report what matters, once per transition.
    for library in ("botocore", "urllib3"):
        logging.getLogger(library).setLevel(logging.ERROR)
