from datetime import datetime

import pytest

from peftsp.inference.formats.base import RunFacts
from peftsp.records import Prediction, Region

HOSTILE = (
    "</script><img/src=x/onerror=document.title='owned'> <!--<script>document.title='owned'",
    "\"quoted\",'comma' &lt;b&gt; =1+1",
    "$x^2$\\frac{ ${title} {{x}}",
    "蛋白質/../..\\weird:name*? \u2028 end",
)
"""Headers that would do harm where one forgets to escape them."""


@pytest.fixture(scope="session")
def hostile():
    return HOSTILE


@pytest.fixture(scope="session")
def make_facts():
    """Function of a number of proteins and of workers."""

    def make(size, workers=1):
        return RunFacts(size, "other", "model <b>", datetime(2026, 1, 2, 3, 4), workers, False)

    return make


@pytest.fixture(scope="session")
def make_prediction():
    """Function that makes up a prediction of a type for a protein of some length."""
    return _make_prediction


_STRETCHES = {
    "NO_SP": (None, (), ()),
    "SP": (20, (("n", 1, 5), ("h", 6, 15), ("c", 16, 20)), ()),
    "LIPO": (
        *(17, (("n", 1, 5), ("h", 6, 15), ("c", 16, 17))),
        (("lipid_cysteine", 18, 18),),
    ),
    "TAT": (30, (("n", 1, 9), ("h", 10, 25), ("c", 26, 30)), (("twin_arginine", 5, 6),)),
    "TATLIPO": (
        *(27, (("n", 1, 9), ("h", 10, 25), ("c", 26, 27))),
        (("twin_arginine", 5, 6), ("lipid_cysteine", 28, 28)),
    ),
    "PILIN": (7, (("n", 1, 7), ("h", 13, 28)), ()),
}


def _make_prediction(header="P1 first", sp_type="SP", length=90):
    site, regions, motifs = _STRETCHES[sp_type]
    names = ["outside"] * min(length, 70)
    for name, start, end in (*regions, *motifs):
        names[start - 1 : end] = [name] * (end - start + 1)
    kinds = ("n", "h", "c", "twin_arginine", "lipid_cysteine", "inside", "membrane", "outside")
    rows = tuple(tuple(0.93 if kind == name else 0.01 for kind in kinds) for name in names)
    types = ("NO_SP", "SP", "LIPO", "TAT", "TATLIPO", "PILIN")
    return Prediction(
        header,
        sp_type,
        tuple(0.75 if kind == sp_type else 0.05 for kind in types),
        site,
        None if site is None else 0.625,
        tuple(Region(*stretch) for stretch in regions),
        ("MKRISTTALLWCDEFGHNPQVY" * 5)[:length],
        tuple(Region(*stretch) for stretch in motifs),
        rows,
    )
