"""Every region and type has its ink and title, and the inks differ."""

import pytest
from matplotlib.colors import to_rgb

from peftsp.inference.formats.palette import INKS, TYPE_TITLES
from peftsp.labels import RESIDUE_REGIONS, SP_TYPES

# Machado, Oliveira and Fernandes 2009, severity 1.
DEUTERANOPIA = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))
PROTANOPIA = ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052))
NORMAL = ((1, 0, 0), (0, 1, 0), (0, 0, 1))


def test_regions_and_types_are_covered():
    assert tuple(INKS) == RESIDUE_REGIONS
    assert tuple(TYPE_TITLES) == SP_TYPES


@pytest.mark.parametrize("vision", [NORMAL, DEUTERANOPIA, PROTANOPIA])
def test_inks_of_a_signal_peptide_look_different(vision):
    seen = []
    for name in RESIDUE_REGIONS[:5]:
        linear = [part**2.2 for part in to_rgb(INKS[name].colour)]
        mixed = [sum(a * b for a, b in zip(row, linear, strict=True)) for row in vision]
        seen.append([min(max(part, 0), 1) ** (1 / 2.2) for part in mixed])
    for index, one in enumerate(seen):
        for other in seen[:index]:
            assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5 > 0.14


def test_tones_of_grey_differ_in_their_dashes():
    assert len({INKS[name].dashes for name in ("inside", "membrane", "outside")}) == 3
