"""Numbers as text."""

from __future__ import annotations

import math
from typing import Any

from peftsp.report.evaluation import Estimate

NONE = "–"


def number(value: float, digits: int) -> str:
    """A number with a proper minus, or a dash where it is not defined.

    >>> number(-0.123, 2), number(-0.001, 2), number(float("nan"), 2)
    ('\u22120.12', '0.00', '–')
    """
    if math.isnan(value):
        return NONE
    text = f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    return text.replace("-", "\u2212")


def as_text(estimate: Estimate, digits: int = 2) -> str:
    """A value with its spread and interval.

    >>> as_text(Estimate(0.5, 0.41, 0.6, 0.02)), as_text(Estimate(0.5, 0.41, 0.6))
    ('0.50 ± 0.02 (0.41 to 0.60)', '0.50 (0.41 to 0.60)')
    """
    if math.isnan(estimate.value):
        return NONE
    value, low, high = (number(v, digits) for v in (estimate.value, estimate.low, estimate.high))
    sd = "" if math.isnan(estimate.sd) else f" ± {number(estimate.sd, digits)}"
    return f"{value}{sd} ({low} to {high})"


def p_value(value: float) -> str:
    """A p value with two digits that count.

    >>> p_value(0.034), p_value(0.00051), p_value(1.0)
    ('0.034', '0.00051', '1')
    """
    return NONE if math.isnan(value) else f"{value:.2g}"


def duration(seconds: float) -> str:
    """A time span.

    >>> duration(22.5), duration(754), duration(7199), duration(11000)
    ('22.5 s', '12.6 min', '2.0 h', '3.1 h')
    """
    if seconds < 120:
        return f"{seconds:.1f} s"
    minutes = round(seconds / 60, 1)
    return f"{minutes:.1f} min" if minutes < 120 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """A number of bytes.

    >>> size(237138), size(788492288), size(999_999), size(99_960)
    ('237 kB', '788 MB', '1.0 MB', '100 kB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        shown = count / factor
        # What is rounded up to the next unit is told in it.
        if shown >= 0.9995:
            return f"{shown:.0f} {unit}" if shown >= 99.95 else f"{shown:.1f} {unit}"
    return f"{count:.0f} B"


def setting(value: Any) -> str:
    """The value of a setting as it is given on the command line.

    >>> setting(None), setting(["q_proj", "v_proj"]), setting(0.15)
    ('null', 'q_proj, v_proj', '0.15')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
