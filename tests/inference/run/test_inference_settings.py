"""Numbers of a run's settings are checked where the settings are made."""

from pathlib import Path

import pytest

from peftsp.errors import ConfigError
from peftsp.inference.compute.options import ModelSettings
from peftsp.inference.run.settings import RunSettings

MODEL = ModelSettings((Path("bundle"),))


def settings_of(**changes):
    return RunSettings(MODEL, ("-",), Path("out"), ("csv",), **changes)


@pytest.mark.parametrize("name", ["threads", "workers"])
@pytest.mark.parametrize("number", [0, -1, 2.0, True, "2"])
def test_number_that_counts_no_processes_is_named(name, number):
    expected = f"{name}: expected a whole number of 1 or more, found {number!r}"
    with pytest.raises(ConfigError) as raised:
        settings_of(**{name: number})
    assert str(raised.value) == expected


@pytest.mark.parametrize("name", ["threads", "workers"])
def test_more_processes_than_any_machine_has_use_for_are_refused(name):
    settings_of(**{name: 1024})
    with pytest.raises(ConfigError, match=f"{name}: expected at most 1,024, found 3,000,000,000"):
        settings_of(**{name: 3_000_000_000})


@pytest.mark.parametrize("number", [None, 1, 64])
def test_number_may_be_left_to_the_machine(number):
    assert settings_of(threads=number, workers=number).workers == number
