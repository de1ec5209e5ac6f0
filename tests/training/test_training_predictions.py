"""The table of test predictions: what the bundle predicts, every protein once."""

import csv
import json

import pytest
import torch

from peftsp.data.folds import split
from peftsp.data.regions import cleavage_site
from peftsp.data.synthetic import SyntheticProteins
from peftsp.labels import SP_TYPES, STATE_INDEX
from peftsp.model.bundle import read_bundle
from peftsp.model.decode import Decoded
from peftsp.model.restore import load_taggers
from peftsp.runs.record import PREDICTION_COLUMNS
from peftsp.training.predictions import KeptPredictions, write_predictions


@pytest.fixture(scope="module")
def rows(finished_run):
    with (finished_run / "test_predictions.csv").open() as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def tested():
    """The proteins that the finished run kept for the test."""
    return split(SyntheticProteins(60, 0).load(), 0)[2]


def test_every_test_protein_is_there_once_with_its_labels(rows, tested):
    assert tuple(rows[0]) == PREDICTION_COLUMNS
    assert [row["accession"] for row in rows] == [record.accession for record in tested]
    for row, record in zip(rows, tested, strict=True):
        assert (row["kingdom"], row["sp_type"]) == (record.kingdom, record.sp_type)
        assert row["cleavage_site"] == str(cleavage_site(record) or "")
        start = record.annotation.find("M")
        assert row["membrane_start"] == ("" if start < 0 else str(start + 1))


def test_predictions_are_those_of_the_bundle(rows, tested, finished_run, make_data):
    [tagger] = load_taggers([finished_run / "bundle"])
    data = make_data(eval_batch_size=20)
    data.setup("test")
    [batch] = data.test_dataloader()
    emissions = tagger(batch.tokens, batch.mask, batch.kingdoms)
    marginals = tagger.crf.marginals(emissions, batch.residue_mask)
    decoded = tagger.decode(emissions, marginals, batch.residue_mask)
    assert [SP_TYPES[kind] for kind in decoded.sp_types] == [r["predicted_type"] for r in rows]
    sites = [str(site) if site > 0 else "" for site in decoded.cleavage_sites.tolist()]
    assert sites == [row["predicted_site"] for row in rows]
    found = torch.tensor([[float(row[name]) for name in SP_TYPES] for row in rows])
    torch.testing.assert_close(found, decoded.probabilities, atol=1e-5, rtol=0)


def test_regions_end_at_the_site(rows):
    cut = [row for row in rows if row["predicted_type"] not in ("NO_SP", "PILIN")]
    assert cut
    for row in cut:
        assert row["c_region_end"] == row["predicted_site"]
        assert int(row["n_region_end"]) < int(row["h_region_end"]) < int(row["c_region_end"])
    assert not any(row["n_region_end"] for row in rows if row["predicted_type"] == "NO_SP")


def decoded_path(*names):
    path = [STATE_INDEX[name] for name in names]
    return Decoded(
        probabilities=torch.tensor([[0.1, 0.9, 2.5e-12, 0, 0, 0]]),
        sp_types=torch.tensor([1]),
        paths=torch.tensor([[*path, -1]]),
        cleavage_sites=torch.tensor([4]),
        site_probabilities=torch.tensor([1.0]),
    )


def test_batches_come_out_in_the_order_of_the_records(tmp_path):
    kept = KeptPredictions()
    for index in (1, 0):
        kept.update(torch.tensor([index]), decoded_path("SP_N", "SP_H", "SP_H", "SP_C", "SP_O"))
    numbers, probabilities = kept.compute()
    assert numbers.tolist() == [[0, 1, 4, 1, 3, 4], [1, 1, 4, 1, 3, 4]]
    assert probabilities.dtype == torch.float32
    kept.reset()
    kept.update(torch.tensor([0]), decoded_path("SP_N", "SP_H", "SP_H", "SP_C", "SP_O"))
    write_predictions(*kept.compute(), SyntheticProteins(60, 0).load(), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text().endswith(",SP,4,0.1,0.9,2.5e-12,0,0,0,1,3,4\n")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_record_says_what_the_run_was(finished_run):
    record = json.loads((finished_run / "run.json").read_text())
    assert (record["method"], record["backbone"]) == ("lora", "esm2_tiny")
    assert (record["fold"], record["seed"]) == (0, 1)
    assert record["dataset"]["folds"] == 6
    assert record["dataset"]["records"] == 60
    assert record["settings"]["data"]["count"] == 60
    cost = record["cost"]
    sizes = {n: t.numel() for n, t in read_bundle(finished_run / "bundle").weights.items()}
    assert cost["trained_parameters"] == sum(sizes.values())
    # LoRA is folded into the backbone for prediction.
    [tagger] = load_taggers([finished_run / "bundle"])
    folded = sum(p.numel() for p in tagger.parameters())
    added = sum(size for name, size in sizes.items() if "lora" in name)
    assert cost["all_parameters"] == folded + added
    assert cost["checkpoint_size"] == (finished_run / "checkpoints" / "best.ckpt").stat().st_size
    files = (finished_run / "bundle").iterdir()
    assert cost["bundle_size"] == sum(path.stat().st_size for path in files)
    assert 0 < cost["fit_seconds"] < 300
    assert 50e6 < cost["peak_memory"] < 50e9
    assert cost["peak_gpu_memory"] is None


def test_starting_over_leaves_no_record_of_the_earlier_run(run, tmp_path):
    change = ("trainer.max_epochs=1", "data.batch_size=20", "name=same")
    first = run(tmp_path, *change)
    earlier = json.loads((first / "run.json").read_text())
    again = run(tmp_path, *change, "seed=2", "overwrite=true")
    later = json.loads((again / "run.json").read_text())
    assert (earlier["seed"], later["seed"]) == (1, 2)
    assert [path.name for path in (again / "logs").iterdir()] == ["version_0"]
