"""Members: what is whole is read, whatever stands around it."""

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.members import Members, json_lines, make_member, read_members

Record = dict[str, Any]

FIRST: list[Record] = [{"n": 1, "text": "a\r\n\u2028\x1f\x8b\x08\x00"}, {"n": 2}]
SECOND: list[Record] = [{"n": 3, "list": [1, 2.5, None, "漢"]}]
THIRD: list[Record] = [{"n": 4}, {"n": 5, "deep": {"er": []}}]
GROUPS = (FIRST, SECOND, THIRD)

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    # Half a surrogate pair has no UTF-8 form.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abé\n", max_size=2), inner)
    ),
    max_leaves=6,
)
records = st.dictionaries(st.text("abé\n", max_size=2), values, max_size=3)


def member(group: list[Record]) -> bytes:
    return make_member(json_lines(group))


def joined(*groups: list[Record]) -> list[Record]:
    return [record for group in groups for record in group]


@given(groups=st.lists(st.lists(records, min_size=1, max_size=3), max_size=3))
def test_all_that_json_can_say_comes_back(groups):
    """Text and numbers are the same after a round trip, to the last bit and the sign of zero."""
    content = b"".join(member(group) for group in groups)

    found = read_members(content)

    assert repr(found) == repr(Members(joined(*groups), len(content), ""))


@given(groups=st.lists(st.lists(records, min_size=1, max_size=3), min_size=1, max_size=3))
def test_the_standard_library_reads_the_same(groups):
    """Other programs see plain gzip with one JSON object per line."""
    content = b"".join(member(group) for group in groups)

    lines = gzip.decompress(content).decode().split("\n")

    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == joined(*groups)


@pytest.mark.parametrize("whole", [[FIRST], [FIRST, SECOND]])
def test_an_append_cut_off_anywhere_is_no_damage(whole):
    """At every byte of the last member: what was whole before is read, and its end is known."""
    before, last = b"".join(member(group) for group in whole), member(THIRD)
    for length in range(len(last)):
        expected = Members(joined(*whole), len(before), "")
        assert read_members(before + last[:length]) == expected, length


def test_a_flipped_bit_costs_the_member_it_is_in():
    """Of every bit of a file: all other members are read, and damage is never silent.

    Two exceptions: bits of a header that mean nothing to a reader change nothing, and a last
    member may look like one that a crash cut off.
    """
    parts = [member(group) for group in GROUPS]
    content = b"".join(parts)
    ends = [sum(map(len, parts[: number + 1])) for number in range(len(parts))]
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        hit = next(number for number, end in enumerate(ends) if bit // 8 < end)

        found = read_members(bytes(changed))

        untouched = joined(*(group for number, group in enumerate(GROUPS) if number != hit))
        assert found.records in (untouched, joined(*GROUPS)), bit
        assert found.damage or hit == 2 or found.records == joined(*GROUPS), bit
        assert found.end == (ends[1] if hit == 2 and found.records == untouched else ends[2]), bit


@given(st.integers(0, 20), st.binary(max_size=40))
def test_whatever_stands_between_is_passed_over(begun, garbage):
    """A member that was only begun, and garbage, hide nothing that follows."""
    first, last = member(FIRST), member(THIRD)
    between = member(SECOND)[:begun] + garbage

    found = read_members(first + between + last)

    assert found.records == FIRST + THIRD
    assert found.end == len(first + between + last)
    assert bool(found.damage) == bool(between)


def test_a_whole_member_without_records_is_damage():
    """Compression is intact and the content is not ours: it is named, and not cut off."""
    first, last = member(FIRST), member(THIRD)
    for wrong in (
        b"<html>\n",
        b"[]\n",
        b'{"n": NaN}\n',
        b'{"n": 1}\n7\n',
        b'"\xff"\n',
        b"[" * 9999,
    ):
        content = first + make_member(wrong) + last

        found = read_members(content)

        assert found.records == FIRST + THIRD, wrong
        assert (found.end, bool(found.damage)) == (len(content), True), wrong


def test_a_file_that_was_compressed_again_is_read():
    """After an edit by hand with zcat and gzip, whose members begin in another way."""
    again = gzip.compress(json_lines(FIRST + SECOND), mtime=1_800_000_000)

    assert read_members(again + member(THIRD)).records == joined(*GROUPS)


def test_many_large_members_end_where_they_end():
    """Members that are longer than what is read at a time."""
    texts = [bytes(range(256)).hex() * 2_000, "".join(map(str, range(60_000))), "x"]
    groups = [[{"n": number, "text": text}] for number, text in enumerate(texts * 3)]
    content = b"".join(member(group) for group in groups)

    assert read_members(content) == Members(joined(*groups), len(content), "")


def test_nothing_is_no_damage():
    """An empty file has no records."""
    assert read_members(b"") == Members([], 0, "")


FOREIGN = {
    "text": b"<html>",
    "NULs after a power cut": b"\x00" * 512,
    "half of another program's gzip": gzip.compress(b"x" * 99, mtime=1_800_000_000)[:-1],
    "zlib": zlib.compress(b"{}"),
    "a first member that is wrong": member(FIRST)[:-8] + b"\x00" * 8,
    "a first member that is cut off": member(FIRST)[:-1],
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_without_a_whole_member_it_is_not_ours(content):
    """A crash leaves no such file: nothing of it is cut off as if one had."""
    with pytest.raises(ValueError, match=r"."):
        read_members(content)


def test_numbers_that_json_lacks_become_null():
    """Unknown is null; one such number does not cost the record."""
    infinite = [{"a": [float("nan"), float("inf"), 1e300], "b": -float("inf")}]

    assert read_members(member(infinite)).records == [{"a": [None, None, 1e300], "b": None}]


@pytest.mark.parametrize("value", ["\ud800", object()])
def test_what_json_cannot_say_is_an_error(value):
    """It is known before anything is written."""
    with pytest.raises(ValueError, match=r"."):
        json_lines([{"a": value}])
