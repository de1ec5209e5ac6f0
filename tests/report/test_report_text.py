"""Numbers as a reader wants them."""

import math

import pytest

from peftsp.report.evaluation import Estimate
from peftsp.report.text import as_text, duration, number, p_value, setting, size

NAN = math.nan


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.125, 3, "0.125"),
        (-1.5, 1, "−1.5"),
        (-0.004, 2, "0.00"),
        (-0.006, 2, "−0.01"),
        (2.0, 0, "2"),
        (NAN, 2, "–"),
    ],
)
def test_a_minus_is_no_hyphen_and_zero_has_none(value, digits, text):
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(-0.5, -0.75, 0.0, 0.25), "−0.500 ± 0.250 (−0.750 to 0.000)"),
        (Estimate(0.5, 0.25, 0.75), "0.500 (0.250 to 0.750)"),
        (Estimate(0.5, NAN, 0.75, 0.0), "0.500 ± 0.000 (– to 0.750)"),
        (Estimate(NAN, 0.25, 0.75, 0.1), "–"),
    ],
)
def test_an_estimate_has_its_spread_and_interval(estimate, text):
    assert as_text(estimate, 3) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0496, "0.05"), (1 / 20001, "5e-05"), (0.5, "0.5"), (NAN, "–")]
)
def test_p_values_have_two_digits(value, text):
    assert p_value(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (119.5, "119.5 s"),
        (120, "2.0 min"),
        (7199, "2.0 h"),
        (7200, "2.0 h"),
        (360_000, "100.0 h"),
    ],
)
def test_a_time_is_in_the_unit_that_suits_it(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (99_500, "99.5 kB"),
        (123_456, "123 kB"),
        (5_250_000, "5.2 MB"),
        (31e9, "31.0 GB"),
        (2.5e12, "2500 GB"),
    ],
)
def test_bytes_are_in_the_unit_that_suits_them(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (1, "1"),
        ("q_proj", "q_proj"),
        ([1, 2], "1, 2"),
        ([], ""),
        (None, "null"),
    ],
)
def test_settings_are_as_on_the_command_line(value, text):
    assert setting(value) == text
