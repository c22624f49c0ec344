"""Intensities by zone and hour: what replaces what, what is news, what survives a restart."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.books.grid_book import GridBook
from exporter.core.evidence import GridHistory, GridIntensity
from tests.books.scenes import HOUR, HOUR_AT


def hour(grams: float, hour_at: float = HOUR_AT, *, estimated: bool = False, zone: str = "DE"):
    return GridIntensity(zone, grams, hour_at, estimated, "SANDBOX" if estimated else "")


def book_of(*told: GridIntensity) -> GridBook:
    """As if each had been the latest value of its zone in turn."""
    book = GridBook()
    for each in told:
        book.take(each.grid_zone, each, None)
    return book


def recorded(intensity: GridIntensity) -> dict[str, object]:
    return {
        "grid_zone": intensity.grid_zone,
        "hour": intensity.valid_at,
        "grams_per_kilowatt_hour": intensity.grams_per_kilowatt_hour,
        "estimated": intensity.estimated,
    }


MEASURED, ESTIMATE = hour(400), hour(380, estimated=True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([ESTIMATE], ESTIMATE),
        ([ESTIMATE, MEASURED], MEASURED),
        # Measured is never replaced by estimated, measured again it is.
        ([MEASURED, ESTIMATE], MEASURED),
        ([MEASURED, hour(410)], hour(410)),
        ([ESTIMATE, hour(390, estimated=True)], hour(390, estimated=True)),
        # Another hour and another zone are another matter.
        ([MEASURED, hour(500, HOUR_AT + HOUR), hour(300, zone="IE")], MEASURED),
    ],
)
def test_what_is_known_of_an_hour(told, expected):
    """An estimate gives way to what comes later, a measurement to a measurement."""
    assert book_of(*told).at("DE", HOUR_AT) == expected


def test_history_and_latest_value_are_both_written_down():
    """The latest value counts where both tell of one hour."""
    book = GridBook()
    history = GridHistory("DE", (hour(300, HOUR_AT - HOUR), hour(380)))

    book.take("DE", hour(400), history)

    assert book.at("DE", HOUR_AT - HOUR) == hour(300, HOUR_AT - HOUR)
    assert book.at("DE", HOUR_AT) == hour(400)
    assert book.at("DE", HOUR_AT + HOUR) is None
    assert book.at("IE", HOUR_AT) is None


def test_without_answers_nothing_is_known():
    """A zone may have neither, or one of the two."""
    book = GridBook()
    book.take("DE", None, None)
    book.take("IE", None, GridHistory("IE", (hour(300, zone="IE"),)))

    assert book.at("DE", HOUR_AT) is None
    assert book.at("IE", HOUR_AT) == hour(300, zone="IE")
    assert [each.grid_zone for each in book.news()] == ["IE"]


def test_news_are_what_was_written_since_they_were_saved():
    """Each hour once, as it is now; what says the same again is no news."""
    book = book_of(ESTIMATE, MEASURED, hour(300, zone="IE"))
    assert list(book.news()) == [MEASURED, hour(300, zone="IE")]
    book.written()

    book.take("DE", hour(400), None)
    book.take("DE", ESTIMATE, None)
    assert list(book.news()) == []
    book.take("DE", hour(410), None)
    assert list(book.news()) == [hour(410)]


def test_editions_change_with_what_is_written():
    """By zone and in all: whoever rests on a zone need not look at the others."""
    book = book_of(ESTIMATE, hour(300, zone="IE"))
    german, irish, every = book.edition("DE"), book.edition("IE"), book.editions()

    book.take("DE", replace(ESTIMATE), None)
    assert (book.edition("DE"), book.editions()) == (german, every)
    book.take("DE", MEASURED, None)
    assert book.edition("DE") != german
    assert book.edition("IE") == irish
    assert book.editions() != every


def test_the_same_value_measured_is_news():
    """It is no estimate any more, so emissions need not wait."""
    book = book_of(hour(400, estimated=True))
    book.written()
    book.take("DE", hour(400), None)

    assert [each.estimated for each in book.news()] == [False]


def test_what_was_recorded_is_known_after_a_restart():
    """The last record of an hour counts, and what is restored is no news."""
    book = GridBook()
    book.restore(recorded(each) for each in (ESTIMATE, MEASURED, hour(300, HOUR_AT - HOUR)))

    known = book.at("DE", HOUR_AT)
    assert known is not None
    assert (known.grams_per_kilowatt_hour, known.estimated) == (400, False)
    assert list(book.news()) == []


def test_a_restored_measurement_is_not_replaced_by_an_estimate():
    """Providers answer with a value that was known better before."""
    book = GridBook()
    book.restore([recorded(MEASURED)])

    book.take("DE", ESTIMATE, GridHistory("DE", (ESTIMATE, hour(390, HOUR_AT - HOUR))))

    known = book.at("DE", HOUR_AT)
    assert known is not None
    assert known.grams_per_kilowatt_hour == 400
    assert list(book.news()) == [hour(390, HOUR_AT - HOUR)]


def test_what_is_restored_late_does_not_replace_what_is_known():
    """The answers of this process are newer; but a measurement beats an estimate of its hour."""
    estimate = hour(350, HOUR_AT + HOUR, estimated=True)
    book = book_of(hour(410), estimate)
    before = book.edition("DE")

    book.restore(recorded(each) for each in (MEASURED, hour(370, HOUR_AT + HOUR), hour(1, 0.0)))

    known = [book.at("DE", at) for at in (HOUR_AT, HOUR_AT + HOUR, 0.0)]
    assert [each.grams_per_kilowatt_hour for each in known if each] == [410, 370, 1]
    assert list(book.news()) == [hour(410)]
    assert book.edition("DE") != before


def test_intensities_by_zone_and_hour():
    """All that is known, estimates too, until it is forgotten."""
    book = book_of(hour(300, HOUR_AT - HOUR), ESTIMATE, hour(200, zone="IE"))
    assert book.intensities() == {
        "DE": {HOUR_AT - HOUR: 300, HOUR_AT: 380},
        "IE": {HOUR_AT: 200},
    }

    book.take("DE", MEASURED, None)
    book.forget_before(HOUR_AT)

    assert book.intensities() == {"DE": {HOUR_AT: 400}, "IE": {HOUR_AT: 200}}
    assert GridBook().intensities() == {}


def test_intensities_that_were_given_do_not_change():
    """Whoever computes with them may take its time; zones without news are the same objects."""
    book = book_of(ESTIMATE, hour(200, zone="IE"))
    before = book.intensities()

    book.take("DE", MEASURED, None)
    after = book.intensities()

    assert before["DE"] == {HOUR_AT: 380}
    assert after["IE"] is before["IE"]


def test_zones_that_were_only_asked_about_are_not_listed():
    """A question tells nothing."""
    book = GridBook()
    book.take("DE", None, None)
    assert book.at("IE", HOUR_AT) is None

    assert book.intensities() == {}


def test_old_hours_are_forgotten():
    """Those that began earlier; the limit itself stays."""
    book = book_of(hour(1, HOUR_AT - HOUR), hour(2), hour(3, zone="IE", hour_at=HOUR_AT - 1))

    book.forget_before(HOUR_AT)

    assert book.at("DE", HOUR_AT - HOUR) is None
    assert book.at("IE", HOUR_AT - 1) is None
    assert book.at("DE", HOUR_AT) == hour(2)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500), st.booleans())), st.booleans())
def test_an_hour_once_measured_stays_measured(told, restarts):
    """Through any answers and a restart in between: its value is that of the last measurement."""
    intensities = [hour(g, HOUR_AT + n * HOUR, estimated=e) for n, g, e in told]
    middle = len(intensities) // 2
    book = book_of(*intensities[:middle])
    if restarts:
        records = [recorded(each) for each in book.news()]
        book = GridBook()
        book.restore(records)
    for each in intensities[middle:]:
        book.take("DE", each, None)

    for number in range(4):
        of_hour = [i for i in intensities if i.valid_at == HOUR_AT + number * HOUR]
        measured = [i for i in of_hour if not i.estimated]
        last = measured[-1] if measured else of_hour[-1] if of_hour else None
        known = book.at("DE", HOUR_AT + number * HOUR)
        assert (known is None) == (last is None)
        if known and last:
            assert known.grams_per_kilowatt_hour == last.grams_per_kilowatt_hour
            assert known.estimated == last.estimated
