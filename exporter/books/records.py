"""The shapes of the history's records; docs/reference/state-format.md describes them.

What is read may be of a version that knows more, or edited by hand: a record that is not
understood raises one of NOT_UNDERSTOOD, before any of it is in a book.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from sys import intern
from typing import Any, NamedTuple

from exporter.books.hour import Hour
from exporter.core.fleet import Place, PurchaseOption
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.load import LANE_BITS, LEVELS, packed
from exporter.core.scenarios.usage import HourOfUse, UsageKey, Use
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

NOT_UNDERSTOOD = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a record raises that has not the documented shape."""

_KEY_COLUMNS = UsageKey._fields[1:]
_USE_COLUMNS = Use._fields[1:]


class CpuDay(NamedTuple):
    """How often each CPU level was seen in a day: a block (see ``load.packed``) by instance.

    ``instance_types`` are the types that the blocks are of; records of earlier versions have none.
    """

    place: Place
    day_at: float
    blocks: Mapping[str, int]
    instance_types: Mapping[str, str]


def place_of(record: Mapping[str, Any]) -> Place:
    """The place that a record is about."""
    return Place(str(record["account_id"]), str(record["region"]))


def hour_record(hour: Hour) -> dict[str, Any]:
    """A closed hour; each kind of instance is written once."""
    rows = hour.rows
    numbers: dict[Kind, int] = {}
    kinds = [
        None if row.kind is None else numbers.setdefault(row.kind, len(numbers)) for row in rows
    ]
    return {
        "kind": "place",
        **hour.place._asdict(),
        "hour": hour.hour_at,
        "kinds": [kind._asdict() for kind in numbers],
        "columns": {
            "instance_id": [row.instance_id for row in rows],
            "instance_type": [row.instance_type for row in rows],
            "kind": kinds,
            "grid_zone": [row.facility.grid_zone for row in rows],
            "pue_ratio": [row.facility.pue_ratio for row in rows],
            "running_seconds": [row.hour.running_seconds for row in rows],
            "billed_seconds": [row.hour.billed_seconds for row in rows],
            "unknown_seconds": [row.hour.unknown_seconds for row in rows],
            "measured_seconds": [row.hour.measured_seconds for row in rows],
            "energy_joules": [
                row.hour.energy_joules if row.hour.measured_seconds else None for row in rows
            ],
            "embodied_grams": [row.hour.embodied_grams for row in rows],
            "cost_usd": [row.hour.cost_usd for row in rows],
            "cpu": [row.cpu for row in rows],
        },
    }


def hour_columns(record: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a closed hour, ``kind`` as such: None in records from before there were.

    Raises NOT_UNDERSTOOD.
    """
    columns: dict[str, Any] = record["columns"]
    kinds = [_kind(each) for each in record.get("kinds", ())]
    names, types = _names(columns["instance_id"]), _names(columns["instance_type"])
    numbers = columns.get("kind") or [None] * len(names)
    if any(len(each) != len(names) for each in (numbers, *columns.values()) if each is not None):
        raise ValueError("columns of different length")
    if max(b"".join(map(levels_in, columns["cpu"])), default=0) >= LEVELS:
        raise ValueError("more than 100 % of CPU")
    kind = [None if n is None else kinds[n] for n in numbers]
    return columns | {"instance_id": names, "instance_type": types, "kind": kind}


def _kind(known: Mapping[str, str]) -> Kind:
    return Kind(
        known["location"],
        known["usage_operation"],
        known["tenancy"],
        PurchaseOption(known["purchase_option"]),
        known["environment"],
    )


def use_record(hour: Hour) -> dict[str, Any]:
    """What each group used in a closed hour."""
    keys = zip(*(use.key[1:] for use in hour.uses), strict=True)
    sums = zip(*(use[1:] for use in hour.uses), strict=True)
    columns = [*keys, *sums] or [()] * len(_KEY_COLUMNS + _USE_COLUMNS)
    return {
        **hour.place._asdict(),
        "hour": hour.hour_at,
        "columns": dict(zip(_KEY_COLUMNS + _USE_COLUMNS, columns, strict=True)),
    }


class UseReader:
    """Reads many records of use: groups that it meets again are the same objects again."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, ...], UsageKey] = {}

    def hour(self, record: Mapping[str, Any]) -> HourOfUse:
        """One closed hour, without CPU. Raises NOT_UNDERSTOOD."""
        place, columns = place_of(record), record["columns"]
        named = zip(*(columns[name] for name in _KEY_COLUMNS), strict=True)
        sums = zip(*(array("d", columns[name]) for name in _USE_COLUMNS), strict=True)
        keys = (self._key(place.account_id, *values) for values in named)
        uses = tuple(Use(key, *values) for key, values in zip(keys, sums, strict=True))
        return HourOfUse(place, _whole(record["hour"], SECONDS_PER_HOUR), uses, ())

    def _key(self, *values: str) -> UsageKey:
        key = self._keys.get(values)
        if key is None:
            read = UsageKey._make(_names(values))
            key = read._replace(purchase_option=PurchaseOption(read.purchase_option))
            self._keys[values] = key
        return key


def cpu_record(
    place: Place, day_at: float, told: Mapping[str, tuple[str, Counter[int]]]
) -> dict[str, Any]:
    """The CPU distribution of one place's day: of each instance its type, and points by level."""
    ids = sorted(told)
    return {
        **place._asdict(),
        "day": day_at,
        "columns": {
            "instance_id": ids,
            "instance_type": [told[instance_id][0] for instance_id in ids],
            # Flat: a list for each pair takes four times as long to be read.
            "levels": [list(chain(*sorted(told[instance_id][1].items()))) for instance_id in ids],
        },
    }


def cpu_day(record: Mapping[str, Any]) -> CpuDay:
    """The CPU distribution as it was recorded. Raises NOT_UNDERSTOOD."""
    columns = record["columns"]
    names, types = _names(columns["instance_id"]), columns.get("instance_type")
    counted = zip(names, columns["levels"], strict=True)
    blocks = {name: packed(_pairs(levels)) for name, levels in counted}
    if any(block >> (LANE_BITS * LEVELS) for block in blocks.values()):
        raise ValueError("more than 100 % of CPU")
    named = {} if types is None else dict(zip(names, _names(types), strict=True))
    return CpuDay(place_of(record), _whole(record["day"], SECONDS_PER_DAY), blocks, named)


def _names(values: Iterable[str]) -> list[str]:
    """Each once in memory. Raises TypeError for what is no text."""
    return [intern(value) for value in values]


def _whole(at: float, span_seconds: float) -> float:
    """The begin of an hour or a day. Raises ValueError for any other instant."""
    if at % span_seconds:
        raise ValueError(f"{at} is not the begin of {span_seconds:.0f} s")
    return at


def _pairs(levels: Sequence[Any]) -> Sequence[tuple[int, int]]:
    """Level and points; older records have a list for each pair."""
    if isinstance(levels[0], list):
        return levels
    return tuple(zip(levels[::2], levels[1::2], strict=True))


def levels_in(text: str) -> bytes:
    """Whole percents of the points of an hour, as ``metering.points_text`` wrote them."""
    return bytes.fromhex(text.replace("--", ""))
