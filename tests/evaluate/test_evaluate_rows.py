"""Predictions of labelled proteins beside the model's own numbers, and rows made by hand."""

from dataclasses import replace

import pandas as pd
import pytest
import torch
from untrained import lean_to_types

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.data.identity import DatasetIdentity
from peftsp.data.synthetic import SyntheticProteins
from peftsp.data.tokens import tokenize
from peftsp.evaluate.contenders import Call
from peftsp.evaluate.rows import (
    Predicting,
    call_row,
    collapsed,
    predict_rows,
    predict_types,
    run_of,
)
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.decode import type_probabilities
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA
from peftsp.records import LabelledRecord
from peftsp.runs.record import PREDICTION_COLUMNS

SPEC = BackboneSpec("tiny", layers=2, width=16, heads=2)
HEAD = HeadSettings(0.1, 3, 0.1, True)
CRF = CRFSettings("hard", "peftsp", "of_type")
HOW = Predicting("cpu", None, "fp32", tells_kingdom=True, has_progress=False)
RECORDS = SyntheticProteins(60, 0).load()[::5]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Two bundles that disagree and look at kingdoms, and their models."""
    made = {}
    for seed in (1, 4):
        torch.manual_seed(seed)
        method = LoRA(2, 2, 0.0, ("q_proj",), 1)
        tagger = build_tagger(load_backbone(SPEC, "random"), method, HEAD, CRF)
        lean_to_types(tagger)
        folder = tmp_path_factory.mktemp("bundles") / f"seed{seed}"
        save_bundle(Bundle.from_tagger(tagger, HEAD, CRF, {}), folder)
        made[folder] = tagger.eval()
    return made


def own_probabilities(tagger, record):
    """Of one protein alone, without batch, file or report."""
    tokens = torch.tensor([tokenize(record.residues)])
    mask = torch.ones_like(tokens, dtype=torch.bool)
    kingdom = KINGDOMS.index(record.kingdom) if record.kingdom in KINGDOMS else -1
    with torch.no_grad():
        emissions = tagger(tokens, mask, torch.tensor([kingdom]))
        return type_probabilities(tagger.marginals(emissions, mask[:, 2:]), mask[:, 2:])[0]


def test_types_are_those_of_the_model_protein_by_protein(models):
    for folder, tagger in models.items():
        expected = torch.stack([own_probabilities(tagger, record) for record in RECORDS])
        found = predict_types(folder, RECORDS, HOW)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_kingdom_that_is_not_told_is_unknown(models):
    [folder, _] = models
    found = predict_types(folder, RECORDS, replace(HOW, tells_kingdom=False))
    unknown = [replace(record, kingdom="UNKNOWN") for record in RECORDS]
    torch.testing.assert_close(found, predict_types(folder, unknown, HOW))
    assert (found - predict_types(folder, RECORDS, HOW)).abs().max() > 0.01


def test_rows_are_of_the_places_asked_for_and_averaged_over_bundles(models):
    places = [7, 2, 11]
    rows = predict_rows([*models], RECORDS, places, HOW)
    assert sorted(rows) == sorted(places)
    for place in places:
        row = dict(zip(PREDICTION_COLUMNS, rows[place], strict=True))
        assert (row["accession"], row["sp_type"]) == (
            RECORDS[place].accession,
            RECORDS[place].sp_type,
        )
        each = [own_probabilities(tagger, RECORDS[place]) for tagger in models.values()]
        shares = torch.tensor([float(row[name]) for name in SP_TYPES])
        torch.testing.assert_close(shares, sum(each) / 2, atol=1e-5, rtol=1e-4)
        assert row["predicted_type"] == SP_TYPES[int(shares.argmax())]


SIGNAL = LabelledRecord("P1", "NEGATIVE", "SP", 2, "MKLAAQE", "SSSSSOO")
TAT = LabelledRecord("P3", "NEGATIVE", "TAT", 2, "MKLAAQE", "TTTTTOO")
MEMBRANE = LabelledRecord("P2", "EUKARYA", "NO_SP", 0, "MKLAAQE", "IIMMMOO")
SURE, SPLIT = (0.0, 1.0, 0.0, 0.0, 0.0, 0.0), (0.25, 0.5, 0.25, 0.0, 0.0, 0.0)
DATASET = DatasetIdentity(6, 2, "a" * 64)


def test_a_call_of_another_program_is_a_row():
    row = call_row(SIGNAL, Call("LIPO", 4, SPLIT))
    assert row == ["P1", 2, "NEGATIVE", "SP", 5, "", "LIPO", 4, *SPLIT, "", "", ""]
    row = call_row(MEMBRANE, Call("NO_SP", None, SURE))
    assert row == ["P2", 0, "EUKARYA", "NO_SP", "", 3, "NO_SP", "", *SURE, "", "", ""]


@pytest.fixture
def run():
    rows = {
        9: call_row(MEMBRANE, Call("SP", 3, SPLIT)),
        4: call_row(SIGNAL, Call("LIPO", 4, SPLIT)),
        6: call_row(TAT, Call("NO_SP", None, (0.4, 0.3, 0.3, 0.0, 0.0, 0.0))),
    }
    return run_of("other", 1, 3, rows, DATASET, {"path": "own.fasta"})


def test_rows_become_a_run_in_the_order_of_the_records(run):
    table = run.predictions
    assert table["accession"].tolist() == ["P1", "P3", "P2"]
    assert table["protein"].tolist() == ["P1/2/0", "P3/2/0", "P2/0/0"]
    assert [str(v) for v in table["predicted_site"]] == ["4.0", "nan", "3.0"]
    assert [str(v) for v in table["membrane_start"]] == ["nan", "nan", "3.0"]
    assert set(table.dtypes[["cleavage_site", "n_region_end", *SP_TYPES]].map(str)) == {"float64"}
    assert (run.record.fold, run.record.seed, run.record.splits) == (1, 3, {"test": 3})
    assert (run.record.method, run.record.dataset) == ("other", DATASET)
    assert run.record.settings == {"data": {"path": "own.fasta"}}
    assert run.record.cost is None


def test_a_collapsed_run_knows_presence_alone(run):
    before = run.predictions.copy()
    found = collapsed(run).predictions
    pd.testing.assert_frame_equal(run.predictions, before)
    assert found["sp_type"].tolist() == ["SP", "SP", "NO_SP"]
    # None is more probable than any type, but not than all of them.
    assert found["predicted_type"].tolist() == ["SP", "SP", "SP"]
    assert found["NO_SP"].tolist() == [0.25, 0.4, 0.25]
    assert found["SP"].tolist() == [0.75, 0.6, 0.75]
    assert (found[["LIPO", "TAT", "TATLIPO", "PILIN"]] == 0).all().all()
    unchanged = ["cleavage_site", "predicted_site", "protein", "kingdom"]
    pd.testing.assert_frame_equal(found[unchanged], before[unchanged])


def test_no_site_counts_where_that_of_a_signal_peptide_is_not_known(run):
    run.predictions.loc[1, ["cleavage_site", "predicted_site"]] = [float("nan"), 6.0]
    found = collapsed(run).predictions
    assert [str(site) for site in found["predicted_site"]] == ["4.0", "nan", "nan"]
