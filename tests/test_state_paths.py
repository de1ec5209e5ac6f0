import pytest

from peftsp.labels import STATE_INDEX
from peftsp.records import Region
from peftsp.state_paths import path_regions


@pytest.mark.parametrize(
    ("sp_type", "path", "regions"),
    [
        ("NO_SP", "I I M O", []),
        ("SP", "N N H H H C O", [("n", 1, 2), ("h", 3, 5), ("c", 6, 6)]),
        ("LIPO", "N H H CS C1 O M", [("n", 1, 1), ("h", 2, 3), ("c", 4, 4)]),
        ("TAT", "N RR N H C O", [("n", 1, 3), ("h", 4, 4), ("c", 5, 5)]),
        ("TATLIPO", "N RR RR N H CS CS C1 O", [("n", 1, 4), ("h", 5, 5), ("c", 6, 7)]),
        ("PILIN", "P P CS H H O", [("n", 1, 2), ("h", 4, 5)]),
    ],
)
def test_regions_are_the_runs_of_the_path(sp_type, path, regions):
    states = [STATE_INDEX[f"{sp_type}_{region}"] for region in path.split()]
    assert path_regions(states) == tuple(Region(*region) for region in regions)
