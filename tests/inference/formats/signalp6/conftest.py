from datetime import datetime
from pathlib import Path

import pytest

from peftsp.inference.formats.base import RunFacts
from peftsp.records import Prediction, Region


def regions(*ends):
    starts = (1, *(end + 1 for end in ends))
    return tuple(
        Region(name, start, end) for name, start, end in zip("nhc", starts, ends, strict=False)
    )


def one_of_each():
    """A protein of each type, one with a tab in its header, one without a site."""
    return [
        Prediction(
            "sp|P1|X_Y first one",
            "NO_SP",
            (0.75, 0.1250004, 0.0625, 0.0625, 0.0, 0.0),
            None,
            None,
            (),
            "MDDKKEE",
        ),
        Prediction(
            "P2", "SP", (0.1, 0.9, 0.0, 0.0, 0.0, 0.0), 20, 0.988927, regions(2, 9, 20), "M" * 21
        ),
        Prediction(
            "P3\tlipo",
            "LIPO",
            (0.0, 0.25, 0.75, 0.0, 0.0, 0.0),
            5,
            0.5,
            regions(1, 3, 5),
            "MKLAGCSS",
            (Region("lipid_cysteine", 6, 6),),
        ),
        Prediction(
            "P4",
            "TAT",
            (0.0, 0.0, 0.0, 1.0, 0.0, 0.0),
            9,
            0.99996,
            regions(5, 7, 9),
            "MSRRQFLAAQ",
            (Region("twin_arginine", 3, 4),),
        ),
        Prediction(
            "P5",
            "TATLIPO",
            (0.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            9,
            0.25,
            regions(5, 7, 9),
            "MSRRQFLAGC",
            (Region("twin_arginine", 3, 4), Region("lipid_cysteine", 10, 10)),
        ),
        Prediction(
            "P6",
            "PILIN",
            (0.0, 0.0, 0.0, 0.0, 0.1, 0.9),
            3,
            1.0,
            (Region("n", 1, 3), Region("h", 6, 9)),
            "MKGFTLIEVL",
        ),
        Prediction("P7", "SP", (0.4, 0.6, 0.0, 0.0, 0.0, 0.0), None, None, (), "MK"),
    ]


@pytest.fixture
def predictions():
    return one_of_each()


@pytest.fixture
def facts():
    """Function of an kingdom."""

    def make(kingdom="other", size=7):
        finished = datetime(2026, 2, 8, 8, 50, 23)
        return RunFacts(size, kingdom, "model", finished, 1, False, Path("out"))

    return make
