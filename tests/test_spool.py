import io

import pytest

from exporter.exposition.catalogue import fleet, health, instances
from exporter.exposition.family import labelled, single
from exporter.spool import Spool

TARGET = (("job", "j"),)
HELP = health.SIMULATED.help


@pytest.fixture
def spool(tmp_path):
    """One that is left after the test."""
    with Spool(tmp_path, TARGET) as found:
        yield found


def joined(spool):
    """The text and the number of samples."""
    out = io.BytesIO()
    samples = spool.join(out)
    return out.getvalue().decode(), samples


def test_the_whole_text(spool):
    """Families by name, each in one piece; what did not change is there at every instant."""
    simulated = single(health.SIMULATED, 1.0)
    watts = [single(fleet.POWER, value) for value in (2.5, 3.0)]

    spool.take((simulated, watts[0]), (100, 340))
    spool.take((simulated, watts[1]), (580,))

    text, samples = joined(spool)
    assert text == (
        f"# HELP carbonfinops_fleet_power_watts {fleet.POWER.help}\n"
        "# TYPE carbonfinops_fleet_power_watts gauge\n"
        'carbonfinops_fleet_power_watts{job="j"} 2.5 100\n'
        'carbonfinops_fleet_power_watts{job="j"} 2.5 340\n'
        'carbonfinops_fleet_power_watts{job="j"} 3.0 580\n'
        f"# HELP carbonfinops_simulated {HELP}\n"
        "# TYPE carbonfinops_simulated gauge\n"
        'carbonfinops_simulated{job="j"} 1.0 100\n'
        'carbonfinops_simulated{job="j"} 1.0 340\n'
        'carbonfinops_simulated{job="j"} 1.0 580\n'
        "# EOF\n"
    )
    assert samples == 6


def test_series_come_and_go(spool):
    """There is no sample while there is no value: neither before, nor between, nor after."""
    there, gone = single(health.SIMULATED, 1.0), single(health.SIMULATED, None)
    for at, family in enumerate([gone, there, gone, gone, there, there, gone]):
        spool.take((family,), (at,))

    text, samples = joined(spool)

    assert [line.split()[-1] for line in text.splitlines() if line[0] != "#"] == ["1", "4", "5"]
    assert samples == 3


def test_a_family_that_is_not_shown_has_no_samples(spool):
    """Left out of a look, it is as empty as one without values; never shown, it is not named."""
    spool.take((), (1,))
    spool.take((single(health.SIMULATED, 1.0), single(fleet.POWER, None)), (2,))
    spool.take((), (3,))

    text, samples = joined(spool)

    assert samples == 1
    assert 'carbonfinops_simulated{job="j"} 1.0 2\n' in text
    assert "fleet_power" not in text


def test_nothing_is_an_empty_history(spool):
    """It ends as every history does."""
    assert joined(spool) == ("# EOF\n", 0)


def test_label_values_with_newlines_and_quotes(spool):
    """They stay on their line, at every instant."""
    family = labelled(instances.TAG_VALUES_OVERFLOWED, [(('a\nb"c\\',), 1.0), (("ü",), 2.0)])
    spool.take((family,), (1, 2))

    text, _ = joined(spool)

    assert text.splitlines()[2:6] == [
        f'carbonfinops_tag_values_overflowed{{{label},job="j"}} {value} {at}'
        for at in (1, 2)
        for label, value in (('label="a\\nb\\"c\\\\"', 1.0), ('label="ü"', 2.0))
    ]


def test_temporary_files_go(spool, tmp_path):
    """The space is given back while the families are joined."""
    spool.take((single(health.SIMULATED, 1.0),), (1,))
    assert list(tmp_path.iterdir())

    joined(spool)

    assert not list(tmp_path.iterdir())


def test_a_value_that_is_not_finite_is_refused(spool):
    """A history with holes is better than one that promtool refuses."""
    with pytest.raises(ValueError, match="not finite"):
        spool.take((single(health.SIMULATED, float("nan")),), (1,))
