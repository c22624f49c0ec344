"""Reports of the HTTP requests that botocore makes."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.core.provenance import FailureReason
from exporter.sources.aws.failures import reason_of, reason_of_answer
from exporter.sources.source import RequestObserver

USD_PER_METRIC = 0.01 / 1000
"""Price of each metric asked of GetMetricData: https://aws.amazon.com/cloudwatch/pricing (2026)."""

USD_PER_COST_EXPLORER_PAGE = 0.01
"""Price of each page of GetCostAndUsage: https://aws.amazon.com/aws-cost-management/pricing (2026).

Whether AWS bills pages that it refused is not documented; they are not counted.
"""

_USD = "carbonfinops-usd"
_OK = 200
_FIRST_ERROR = 300


@dataclass(slots=True)
class _Attempt:
    began_at: float
    status: int = 0


class AttemptReports:
    """Tells the observer of every HTTP attempt, botocore's own retries included.

    botocore emits ``request-created`` once per attempt, after signing, and ``response-received``
    when it ended; but when the answer cannot be parsed only ``after-call-error`` follows. An
    attempt begins and ends on one thread, and renewing credentials happens before it begins, so
    one slot per thread is enough.
    """

    def __init__(
        self, observer: RequestObserver, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._observer = observer
        self._timer = timer
        self._open = threading.local()

    def attach(self, register: Callable[[str, Callable[..., None]], None]) -> None:
        """Listen to every client of the session whose ``register`` method this is."""
        register("before-parameter-build.cloudwatch.GetMetricData", self._price_metrics)
        register("before-parameter-build.cost-explorer.GetCostAndUsage", self._price_page)
        register("request-created", self._begin)
        register("before-parse", self._note_status)
        register("response-received", self._end)
        register("after-call-error", self._end_unreadable)

    def _price_metrics(
        self, params: Mapping[str, Any], context: dict[str, Any], **_: object
    ) -> None:
        context[_USD] = len(params["MetricDataQueries"]) * USD_PER_METRIC

    def _price_page(self, context: dict[str, Any], **_: object) -> None:
        context[_USD] = USD_PER_COST_EXPLORER_PAGE

    def _begin(self, **_: object) -> None:
        self._open.attempt = _Attempt(began_at=self._timer())

    def _note_status(self, response_dict: Mapping[str, Any], **_: object) -> None:
        self._open.attempt.status = response_dict["status_code"]

    def _end(
        self,
        event_name: str,
        parsed_response: Mapping[str, Any] | None,
        context: Mapping[str, Any],
        exception: Exception | None,
        **_: object,
    ) -> None:
        failure = reason_of(exception) if exception else _failure_in(parsed_response or {})
        self._report(event_name, context, failure)

    def _end_unreadable(self, event_name: str, context: Mapping[str, Any], **_: object) -> None:
        if getattr(self._open, "attempt", None) is not None:
            self._report(event_name, context, FailureReason.MALFORMED)

    def _report(
        self, event_name: str, context: Mapping[str, Any], failure: FailureReason | None
    ) -> None:
        attempt: _Attempt = self._open.attempt
        self._open.attempt = None
        _, service, operation = event_name.split(".")
        seconds = self._timer() - attempt.began_at
        upstream = service.replace("-", "_")  # cost-explorer, among names such as electricity_maps
        self._observer.request(upstream, operation, seconds, failure)
        if attempt.status == _OK and _USD in context:
            self._observer.spend(operation, context[_USD])


def _failure_in(answer: Mapping[str, Any]) -> FailureReason | None:
    if answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _FIRST_ERROR:
        return reason_of_answer(answer)
    # A cut JSON body raises nothing: botocore makes an answer without any field of it.
    return None if answer.keys() - {"ResponseMetadata"} else FailureReason.MALFORMED
