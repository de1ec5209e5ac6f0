"""Every PEFT method, found by its YAML, from the training command to the prediction command."""

import json

import pytest
from omegaconf import OmegaConf

from peftsp.data.synthetic import SyntheticProteins
from peftsp.labels import SP_TYPES
from peftsp.settings_folder import CONF

METHODS = sorted(path.stem for path in (CONF / "peft").glob("*.yaml"))
SMALL = ("experiment=quickstart", "data.count=60", "trainer.max_epochs=1")


def assert_sound(rows, count):
    assert len(rows) == count
    for row in rows:
        assert sum(float(row[name]) for name in SP_TYPES) == pytest.approx(1, abs=1e-4)
        ends_before_the_cut = "ends within the signal peptide" in row["note"]
        has_site = row["sp_type"] != "NO_SP" and not ends_before_the_cut
        assert bool(row["cleavage_site"]) == has_site


@pytest.mark.parametrize("method", METHODS)
def test_method_trains_and_predicts(train, predict, tmp_path, method):
    bundle = train(*SMALL, f"peft={method}")
    module = OmegaConf.load(CONF / "peft" / f"{method}.yaml")._target_.split(".")[-2]
    assert json.loads((bundle / "config.json").read_text())["peft"]["method"] == module
    assert_sound(predict(SyntheticProteins(60, 1).load(), bundle, tmp_path), 60)


@pytest.mark.parametrize(
    "changes",
    [
        ["head.kingdom_embedding=8"],
        ["crf.constraint=soft", "crf.table=published", "crf.decoding=free"],
        ["trainer.precision=bf16-mixed"],
        ["backbone.dtype=bfloat16"],
        ["backbone.activation_checkpointing=true"],
        ["data.balance=0.5", "augmentation.hidden_residues=0.1", "scheduler=cosine"],
    ],
    ids=lambda changes: changes[0],
)
def test_setting_trains_and_predicts(train, predict, tmp_path, changes):
    bundle = train(*SMALL, *changes)
    records = SyntheticProteins(60, 1).load()
    rows = predict(records, bundle, tmp_path)
    if "crf.decoding=free" in changes:
        assert len(rows) == len(records)
    else:
        assert_sound(rows, len(records))


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "adapter", "prompt"])
def test_real_proteins_train_and_predict(shared, train, predict, tmp_path, method):
    folder = shared / "data" / "signalp6"
    bundle = train(
        *("experiment=quickstart", "data=signalp6_small30", f"data.dir={folder}"),
        *(f"peft={method}", "trainer.max_epochs=1"),
    )
    training = json.loads((bundle / "config.json").read_text())["training"]
    assert training["data"]["name"] == "small_dataset_30"
    metrics = training["metrics"]
    assert metrics["test/nll"] < 60, "a random model has 70 and more"
    # Partition 0, the test partition of fold 0, has no signal peptide of archaea.
    assert "test/mcc2/NEGATIVE/TAT" in metrics
    assert "test/mcc2/ARCHAEA/SP" not in metrics
    assert_sound(predict(SyntheticProteins(60, 1).load(), bundle, tmp_path), 60)
