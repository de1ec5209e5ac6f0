import json
from dataclasses import replace
from datetime import datetime

from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.json_lines import JSON_LINES, as_json
from peftsp.labels import RESIDUE_REGIONS
from peftsp.records import Prediction, Region

FACTS = RunFacts(1, "other", "model", datetime(2026, 1, 1), 1, False)
ROWS = ((1.0, *[0.0] * 7), (0.0, 0.25, 0.75, *[0.0] * 5))
LIPO = Prediction(
    "P1 lipoprotein ü",
    "LIPO",
    (0.0, 0.25, 0.75, 0.0, 0.0, 0.0),
    1,
    0.5,
    (Region("c", 1, 1),),
    "MC",
    (Region("lipid_cysteine", 2, 2),),
    ROWS,
)


def test_line_holds_all_that_is_known(tmp_path):
    JSON_LINES.write(lambda: iter([LIPO, LIPO]), tmp_path, FACTS)
    first, second = (tmp_path / "predictions.jsonl").read_text().splitlines()
    assert first == second
    found = json.loads(first)
    regions = found.pop("region_probabilities")
    assert found == {
        "id": "P1",
        "header": "P1 lipoprotein ü",
        "length": 2,
        "sp_type": "LIPO",
        "probabilities": {
            **{"NO_SP": 0.0, "SP": 0.25, "LIPO": 0.75},
            **{"TAT": 0.0, "TATLIPO": 0.0, "PILIN": 0.0},
        },
        "cleavage_site": 1,
        "cleavage_site_probability": 0.5,
        "regions": [{"name": "c", "start": 1, "end": 1}],
        "motifs": [{"name": "lipid_cysteine", "start": 2, "end": 2}],
        "residues": "MC",
        "note": None,
    }
    assert list(regions) == list(RESIDUE_REGIONS)
    assert regions["n"] == [1.0, 0.0]
    assert regions["h"] == [0.0, 0.25]
    assert regions["c"] == [0.0, 0.75]


def test_unsure_site_is_noted():
    assert as_json(replace(LIPO, cleavage_site_probability=0.4))["note"] == "unsure cleavage site"
