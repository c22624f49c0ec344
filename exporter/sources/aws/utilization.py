"""CPU points of the running instances of one place."""

import math
from collections.abc import Callable, Mapping, Sequence

from exporter.core.evidence import CpuPoint, InstanceCpu, PlaceCpu
from exporter.core.fleet import Account, Instance, Place
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import CPU_SLOT_SECONDS
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.metrics import CpuMetrics
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError

_FEWEST_SLOTS = 3
# A page holds 100,800 points, and a further one is billed like a further call: 500 instances with
# 16 hours each stay on one.
_MOST_SLOTS = 191
# One or two instances may be silent on their own; so many at once are CloudWatch's doing.
_SILENT_CROWD = 3
_YOUNG_SECONDS = _FEWEST_SLOTS * CPU_SLOT_SECONDS
# Refreshes begin at 80-90 % of the interval: an entry polled then must count as due again.
_DUE_SHARE = 0.75


class CloudWatchCpu:
    """GetMetricData for the instances whose last poll is no longer good enough.

    CloudWatch bills every metric asked for, so an instance is asked about once per interval, and
    besides when it is new, was started again, or has just become old enough for an estimate.
    """

    name = SourceName.CLOUDWATCH_CPU

    def __init__(
        self,
        clients: AwsClients,
        account: Account,
        region: str,
        *,
        running: Callable[[], tuple[Instance, ...]],
        interval_seconds: float,
        wall: Callable[[], float],
        threads: int = 8,
    ) -> None:
        self._metrics = CpuMetrics(Endpoint(clients, "cloudwatch", region, account), threads)
        self._place = Place(account.account_id, region)
        self._running = running
        self._interval_seconds = interval_seconds
        self._wall = wall
        self.scope = Scope(account.account_id, region)

    def fetch(self, previous: PlaceCpu | None) -> PlaceCpu:
        """Poll the instances that are due; the others keep what ``previous`` has of them."""
        now = self._wall()
        known = {entry.instance_id: entry for entry in previous.instances} if previous else {}
        running = {instance.instance_id: instance for instance in self._running()}
        due = [
            instance
            for instance in running.values()
            if _is_due(instance, known.get(instance.instance_id), now, self._interval_seconds)
        ]
        polled = self._polled(due, known, now) if due else {}
        self._refuse_silence(due, polled, known, now)
        entries = {**known, **polled}
        return PlaceCpu(self._place, tuple(entries[instance_id] for instance_id in sorted(running)))

    def _polled(
        self, due: Sequence[Instance], known: Mapping[str, InstanceCpu], now: float
    ) -> dict[str, InstanceCpu]:
        """Ask for everything since the last poll: any span costs the same."""
        end_at = _newest_slot_end(now)
        wanted = math.ceil(self._interval_seconds / CPU_SLOT_SECONDS)
        slots = min(max(wanted, _FEWEST_SLOTS), _MOST_SLOTS)
        seen_until = {
            instance.instance_id: known[instance.instance_id].window_end_at
            for instance in due
            if instance.instance_id in known
        }
        # One slot more than the window: see _entry.
        window_at = end_at - (slots + 1) * CPU_SLOT_SECONDS
        earliest_at = end_at - (_MOST_SLOTS + 1) * CPU_SLOT_SECONDS
        start_at = max(earliest_at, min([window_at, *seen_until.values()]))
        names = sorted(instance.instance_id for instance in due)
        found = self._metrics.utilization_percent(names, start_at, end_at)
        return {
            name: _entry(instance, now, slots, seen_until.get(name, math.inf), found[name])
            for instance in due
            for name in [instance.instance_id]
        }

    def _refuse_silence(
        self,
        due: Sequence[Instance],
        polled: Mapping[str, InstanceCpu],
        known: Mapping[str, InstanceCpu],
        now: float,
    ) -> None:
        """Raise when all that should have points lost them at once: then CloudWatch is late."""
        expected = [
            instance.instance_id for instance in due if now - instance.launched_at >= _YOUNG_SECONDS
        ]
        had_points = any(
            known[instance_id].points for instance_id in expected if instance_id in known
        )
        suspicious = had_points or len(expected) >= _SILENT_CROWD
        if suspicious and not any(polled[instance_id].window_points for instance_id in expected):
            raise SourceError(
                FailureReason.NO_RECENT_DATA,
                f"CloudWatch has no recent CPUUtilization in {self._place.region} for account"
                f" {self._place.account_id}: none of {len(expected)} instances has a point",
            )


def _is_due(
    instance: Instance, entry: InstanceCpu | None, now: float, interval_seconds: float
) -> bool:
    if entry is None or entry.launched_at != instance.launched_at:
        return True
    if not 0 <= now - entry.polled_at <= _DUE_SHARE * interval_seconds:  # negative: clock set back
        return True
    was_young = entry.polled_at - entry.launched_at < _YOUNG_SECONDS
    return was_young and now - entry.launched_at >= _YOUNG_SECONDS


def _entry(
    instance: Instance, now: float, slots: int, seen_until: float, percent_at: Mapping[float, float]
) -> InstanceCpu:
    """Keep what is new, and the window.

    The window ends one slot earlier where the newest one is missing: CloudWatch publishes a point
    some time after its slot ended, and that is no gap in the data.
    """
    end_at = _newest_slot_end(now)
    newest_at = end_at - CPU_SLOT_SECONDS
    if newest_at not in percent_at and newest_at - CPU_SLOT_SECONDS in percent_at:
        end_at = newest_at
    start_at = min(end_at - slots * CPU_SLOT_SECONDS, seen_until)
    points = tuple(
        CpuPoint(at, percent)
        for at, percent in sorted(percent_at.items())
        # A slot that was over before the launch belongs to an earlier run.
        if start_at <= at < end_at and at + CPU_SLOT_SECONDS > instance.launched_at
    )
    return InstanceCpu(instance.instance_id, instance.launched_at, now, end_at, slots, points)


def _newest_slot_end(now: float) -> float:
    return math.floor(now / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
