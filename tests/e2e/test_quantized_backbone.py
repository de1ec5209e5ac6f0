"""A backbone in four bits, from the training command to the prediction command."""

import csv
import json

import pytest
import torch

from peftsp.data.synthetic import SyntheticProteins
from peftsp.interop.huggingface_peft import main
from peftsp.labels import SP_TYPES
from peftsp.model.bundle import read_bundle


def test_bundle_predicts_what_the_trained_model_did(train, predict, tmp_path):
    pytest.importorskip("bitsandbytes")
    bundle = train(
        *("experiment=quickstart", "data.count=60", "trainer.max_epochs=2"),
        "backbone.quantization=nf4",
    )
    run = bundle.parent
    config = json.loads((bundle / "config.json").read_text())
    assert config["backbone"]["quantization"] == "nf4"
    checkpoint = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)
    kept = {name.rpartition(".")[2] for name in checkpoint["state_dict"]}
    assert not kept & {"codes", "scales"}
    with (run / "test_predictions.csv").open() as lines:
        expected = list(csv.DictReader(lines))
    rows = predict(SyntheticProteins(60, 0).load(), bundle, tmp_path)
    found = {row["id"]: row for row in rows}
    assert len(expected) > 10
    for row in expected:
        same = found[row["accession"]]
        assert (row["predicted_type"], row["predicted_site"]) == (
            same["sp_type"],
            same["cleavage_site"],
        )
        for name in SP_TYPES:
            assert float(row[name]) == pytest.approx(float(same[name]), abs=1e-4)
    cost = json.loads((run / "run.json").read_text())["cost"]
    plain = 33 * 32 + 2 * (12 * 32**2 + 13 * 32) + 2 * 32
    assert cost["all_parameters"] > plain, "those in four bits are counted"


def test_adapter_folder_keeps_how_the_backbone_is_held(train, tmp_path):
    pytest.importorskip("bitsandbytes")
    bundle = train("experiment=quickstart", "data.count=60", "backbone.quantization=nf4")
    folder, again = tmp_path / "adapter", tmp_path / "again"
    assert main(["export", str(bundle), "-o", str(folder)]) == 0
    assert main(["import", str(folder), "-o", str(again), "--checkpoint", "random"]) == 0
    assert read_bundle(again).backbone == read_bundle(bundle).backbone
