"""UniProt's JSON says what its table says."""

import json

import pytest

from peftsp.errors import RecordError
from peftsp.prepare.collection import collect

SP = "MKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLG"


def test_uniprot_json_says_the_same(tmp_path, written, labels):
    entry = {
        "primaryAccession": "P1",
        "entryType": "UniProtKB reviewed (Swiss-Prot)",
        "organism": {"lineage": ["Archaea", "Methanobacteriota"]},
        "sequence": {"value": SP},
        "features": [
            {"type": "Signal", "description": "",
             "location": {"start": {"value": 1, "modifier": "EXACT"},
                          "end": {"value": 18, "modifier": "EXACT"}},
             "evidences": [{"evidenceCode": "ECO:0000269"}]},
        ],
    }  # fmt: skip
    source = written(
        tmp_path / "e.json", json.dumps({"results": [entry, {"primaryAccession": "P2"}]})
    )
    found = collect([source], None, 2)
    assert labels(found) == {"P1": ("ARCHAEA", "SP", 18)}
    assert found.unusable[0].place == f"{source}: entry 2"
    # As UniProt gives it: one line, here of 1.2 MB.
    many = [{**entry, "comments": "x" * 400_000, "primaryAccession": f"P{n}"} for n in range(3)]
    assert len(collect([written(source, json.dumps(many))], None, 2).proteins) == 1
    wrong = {
        "an accession, found 5": {**entry, "primaryAccession": 5},
        "the name of a taxon, found {}": {**entry, "organism": {"lineage": ["Bacteria", {}]}},
        "a sequence, found None": {**entry, "sequence": {"value": None}},
        "the place of a feature, found '1'": {
            **entry,
            "features": [{"type": "Signal", "location": {"start": {"value": "1"}, "end": {}}}],
        },
    }
    found = collect([written(source, json.dumps([entry, *wrong.values()]))], None, 2)
    assert len(found.proteins) == 1
    with pytest.raises(RecordError, match="expected JSON, found maximum recursion"):
        collect([written(source, '[{"primaryAccession": ' + "[" * 100_000)], None, 2)
    for one, reason in zip(found.unusable, wrong, strict=True):
        assert one.reason in (f"expected {reason}", "expected a whole entry, found none of 'value'")
    found = collect([written(source, json.dumps([None, entry]))], None, 2)
    assert [(one.place, one.reason) for one in found.unusable] == [
        (f"{source}: entry 1", "expected an entry, found None")
    ]
