"""CPU points of one place: of the running instances, and of runs that ended lately."""

from collections.abc import Callable, Mapping, Sequence

from exporter.core.evidence import InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.fleet import Account, Place
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.aws.cpu_poll import YOUNG_SECONDS, CpuPoll, RunKey, run_key
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.metrics import CpuMetrics
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError

# One or two instances may be silent on their own; so many at once are CloudWatch's doing.
_SILENT_CROWD = 3


class CloudWatchCpu:
    """GetMetricData for the instances whose last poll is no longer good enough.

    CloudWatch bills every metric asked for, so an instance is asked about once per interval, and
    besides when it is new, was started again, has just become old enough for an estimate, or
    when its run is over and the last points are out.
    """

    name = SourceName.CLOUDWATCH_CPU

    def __init__(
        self,
        clients: AwsClients,
        account: Account,
        region: str,
        *,
        metered: Callable[[], tuple[MeteredRun, ...]],
        interval_seconds: float,
        wall: Callable[[], float],
        threads: int = 8,
    ) -> None:
        self._metrics = CpuMetrics(Endpoint(clients, "cloudwatch", region, account), threads)
        self._place = Place(account.account_id, region)
        self._metered = metered
        self._interval_seconds = interval_seconds
        self._wall = wall
        self.scope = Scope(account.account_id, region)

    def fetch(self, previous: PlaceCpu | None) -> PlaceCpu:
        """Poll the runs that are due; the others keep what ``previous`` has of them.

        An instance has an entry for each of its runs that is asked for, oldest first.
        """
        poll = CpuPoll.after(previous, self._wall(), self._interval_seconds)
        metered = {run_key(run): run for run in self._metered()}
        due = [run for run in metered.values() if poll.is_due(run)]
        polled = self._polled(poll, due) if due else {}
        self._refuse_silence(poll, due, polled)
        entries = {**poll.known, **polled}
        return PlaceCpu(
            self._place, tuple(entries[key] for key in sorted(metered) if key in entries)
        )

    def _polled(self, poll: CpuPoll, due: Sequence[MeteredRun]) -> dict[RunKey, InstanceCpu]:
        """Ask about each instance once, whichever of its runs are due."""
        names = sorted({run.instance.instance_id for run in due})
        found = self._metrics.utilization_percent(names, poll.start_at(due), poll.end_at)
        return {run_key(run): poll.entry(run, found[run.instance.instance_id]) for run in due}

    def _refuse_silence(
        self, poll: CpuPoll, due: Sequence[MeteredRun], polled: Mapping[RunKey, InstanceCpu]
    ) -> None:
        """Raise when all that should have points lost them at once: then CloudWatch is late."""
        expected = [
            run_key(run)
            for run in due
            if run.ended_at is None and poll.now - run.instance.launched_at >= YOUNG_SECONDS
        ]
        had_points = {entry.instance_id for entry in poll.known.values() if entry.points}
        lost_points = any(instance_id in had_points for instance_id, _ in expected)
        suspicious = lost_points or len(expected) >= _SILENT_CROWD
        if suspicious and not any(polled[key].window_points for key in expected):
            raise SourceError(
                FailureReason.NO_RECENT_DATA,
                f"CloudWatch has no recent CPUUtilization in {self._place.region} for account"
                f" {self._place.account_id} (instances without a point: {len(expected)})",
            )
