"""Runs that begin from a trained model: what they take over, keep, merge and refuse."""

import argparse
import json
import shutil

import pytest
import torch

from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError, PeftspError, RunError
from peftsp.evaluate.calibrate_cli import main as calibrate
from peftsp.evaluate.options import add_predicting, predicting
from peftsp.evaluate.rows import predict_types
from peftsp.interop.huggingface_peft import main
from peftsp.model.bundle import hash_content, read_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import SHIPPED
from peftsp.runs.record import read_record
from peftsp.training.start import read_trained
from peftsp.training.start_settings import fill_in

NO_STEP = ("optimizer.lr=0", "trainer.max_epochs=1")


def emissions(folder):
    [tagger] = load_taggers([folder])
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, 24, (3, 20), generator=generator)
    tokens[:, 0], tokens[:, -1] = 0, 2
    return tagger(tokens, torch.ones_like(tokens).bool(), torch.tensor([0, 1, 2]))


@pytest.fixture
def continued(run, finished_run, tmp_path):
    """Function of overrides that trains on from a run's bundle and gives the new run's folder."""

    def of(*overrides, start=finished_run / "bundle"):
        return run(tmp_path / "runs", *fill_in([f"init_from={start}", *overrides]))

    return of


def test_model_is_taken_over_with_its_method(continued, finished_run):
    folder = continued(*NO_STEP)
    before, after = (read_bundle(path / "bundle") for path in (finished_run, folder))
    assert after.weights.keys() == before.weights.keys()
    for name, tensor in after.weights.items():
        torch.testing.assert_close(tensor, before.weights[name], rtol=0, atol=0)
    assert after.training["start"]["sha256"] == hash_content(before)
    assert after.training["start"]["method"] == "lora trained on"
    assert read_record(folder).start_sha256 == hash_content(before)
    assert "its lora goes on training" in (folder / "train.log").read_text()
    assert hash_content(before) in (folder / "bundle" / "README.md").read_text()


def test_training_goes_on_from_where_the_model_was(continued, finished_run):
    folder = continued("trainer.max_epochs=1")
    before, after = (read_bundle(path / "bundle") for path in (finished_run, folder))
    assert hash_content(before) != hash_content(after)
    assert not torch.equal(emissions(finished_run / "bundle"), emissions(folder / "bundle"))


@pytest.mark.parametrize("method", ["lora peft.rank=2", "ln_tuning", "full"])
def test_another_method_is_put_on_the_merged_model(continued, finished_run, tmp_path, method):
    choice, *settings = method.split()
    folder = continued(f"peft={choice}", *settings, *NO_STEP)
    # A bundle that needs no file but its own.
    moved = tmp_path / "moved"
    shutil.move(folder / "bundle", moved)
    found, expected = emissions(moved), emissions(finished_run / "bundle")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    assert read_bundle(moved).training["start"]["method"] == "lora merged"
    assert read_bundle(moved).peft["method"] == ("hf" if choice == "ln_tuning" else choice)


def test_a_merged_model_still_loads_after_training(continued):
    folder = continued("peft=ln_tuning", "trainer.max_epochs=1")
    emissions(folder / "bundle")  # refuses a backbone that training had changed
    again = continued("experiment_name=again", start=folder / "bundle")
    assert read_record(again).method == "ln_tuning"
    emissions(again / "bundle")


def test_resuming_from_another_model_is_refused(continued, finished_run, run, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(finished_run / "bundle", copy)
    continued("trainer.max_epochs=1", start=copy)
    continued("trainer.max_epochs=1", "ckpt_path=last", start=finished_run / "bundle")
    config = json.loads((copy / "config.json").read_text())
    config["crf"]["temperature"] = 1.5
    (copy / "config.json").write_text(json.dumps(config))
    with pytest.raises(RunError, match=r"init_from \(sha256\)="):
        continued("trainer.max_epochs=1", "crf.temperature=1.0", "ckpt_path=last", start=copy)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("head.context_window=3", r"head\.context_window: expected 0 as in .*, found 3"),
        ("crf.constraint=soft", r"crf\.constraint: expected hard as in .*, found soft"),
        ("backbone=esm2_scratch", r"backbone\.spec\.name: expected esm2_tiny .*, found esm2_scr"),
        ("backbone.seed=9", r"expected the esm2_tiny backbone with the content hash"),
        ("init_from=a,b", r"init_from: expected one model a command, found a,b"),
        ("init_from=nowhere", r"nowhere: expected a bundle folder"),
    ],
)
def test_settings_that_do_not_fit_the_model_are_named(continued, override, message):
    with pytest.raises(PeftspError, match=message):
        continued(override)


def test_method_that_cannot_be_merged_goes_on_or_is_refused(run, continued, tmp_path):
    first = run(tmp_path / "first", "peft=prompt", "trainer.max_epochs=1")
    assert read_record(continued(*NO_STEP, start=first / "bundle")).method == "prompt"
    with pytest.raises(ConfigError, match=r"init_from: expected a model whose method can be merge"):
        continued("peft=lora", start=first / "bundle")


def test_shipped_model_hands_down_its_licence_and_its_backbone(continued, tmp_path):
    folder = continued(
        "data=synthetic", "trainer.limit_train_batches=1", *NO_STEP, start="accurate"
    )
    bundle = tmp_path / "bundle"
    shutil.move(folder / "bundle", bundle)
    made = read_bundle(bundle)
    assert made.head == read_bundle(SHIPPED["accurate"].folder).head
    assert made.training["licence"] == "GPL-3.0-or-later"
    assert "GPL-3.0-or-later" in (bundle / "README.md").read_text()
    for name in ("LICENSE", "backbone/NOTICE"):
        assert (bundle / name).read_text() == (SHIPPED["accurate"].folder / name).read_text()
    torch.testing.assert_close(emissions(bundle), emissions(SHIPPED["accurate"].folder))


@pytest.fixture
def adapter(finished_run, tmp_path):
    folder = tmp_path / "adapter"
    assert main(["export", str(finished_run / "bundle"), "-o", str(folder)]) == 0
    return folder


def test_training_goes_on_from_an_adapter_with_its_head(run, adapter, finished_run, tmp_path):
    command = ["peft=from_adapter", f"peft.path={adapter}", *NO_STEP]
    folder = run(tmp_path / "runs", *fill_in(command))
    torch.testing.assert_close(
        emissions(folder / "bundle"), emissions(finished_run / "bundle"), rtol=0, atol=0
    )
    seen = read_bundle(finished_run / "bundle").training["proteins"]
    assert read_bundle(folder / "bundle").training["start_proteins"] == seen
    (adapter / "peftsp_head.safetensors").unlink()
    folder = run(tmp_path / "without", *fill_in(command))
    before, after = (read_bundle(path / "bundle").weights for path in (finished_run, folder))
    for name, tensor in after.items():
        assert torch.equal(tensor, before[name]) == name.startswith("backbone.") or "crf" in name


def test_adapter_without_a_folder_is_refused(adapter):
    with pytest.raises(ConfigError, match=r"peft\.path: expected one folder .*, found none"):
        fill_in(["peft=from_adapter"])
    with pytest.raises(ConfigError, match=r"peft\.path: expected one folder"):
        fill_in(["peft=from_adapter", f"peft.path={adapter}", "init_from=accurate"])
    with pytest.raises(ConfigError, match=r"peft\.path: expected the folder of an adapter, found"):
        fill_in(["peft=from_adapter", f"peft.path={adapter}/nothere"])


def test_method_from_elsewhere_trains_and_goes_on(continued, run, tmp_path, monkeypatch):
    (tmp_path / "theirlab").mkdir()
    (tmp_path / "theirlab" / "method.py").write_text(
        "from peftsp.peft.lora import LoRA\n\n\nclass TheirMethod(LoRA):\n    pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    named = ["peft._target_=theirlab.method.TheirMethod"]
    folder = run(tmp_path / "first", "peft=lora", *named, *NO_STEP)
    assert read_bundle(folder / "bundle").peft["method"] == "theirlab.method:TheirMethod"
    again = continued(*named, *NO_STEP, start=folder / "bundle")
    assert "its theirlab.method:TheirMethod goes on" in (again / "train.log").read_text()
    with pytest.raises(ConfigError, match="expected --allow-code theirlab"):
        load_taggers([again / "bundle"])
    with pytest.raises(
        ConfigError, match=r"peft\._target_=theirlab\.method\.TheirMethod beside it"
    ):
        fill_in([f"init_from={again / 'bundle'}"])
    parser = argparse.ArgumentParser()
    add_predicting(parser)
    how = predicting(parser.parse_args(["--allow-code", "theirlab", "--no-progress"]))
    records = SyntheticProteins(60, 0).load()
    assert predict_types(again / "bundle", records, how).shape == (60, 6)
    assert main(["export", str(again / "bundle"), "-o", str(tmp_path / "adapter")]) == 2


def test_proteins_that_have_trained_the_model_are_told(continued, tmp_path, capsys):
    tested = continued(*NO_STEP, "data.fold=5", "experiment_name=tested")
    assert read_record(tested).start_has_seen == 20
    assert "20 test proteins have trained or chosen" in (tested / "train.log").read_text()
    validated = continued(*NO_STEP, "data.fold=1", "experiment_name=validated")
    assert read_record(validated).start_has_seen == 0
    write_labelled(SyntheticProteins(60, 0).load(), tmp_path / "own.fasta")
    given = ["--data", str(tmp_path / "own.fasta"), "-o", str(tmp_path / "new"), "--no-progress"]
    assert calibrate([str(validated / "bundle"), *given]) == 2
    assert "begins from a model trained or chosen on all 20" in capsys.readouterr().err


def test_checkpoint_of_other_proteins_is_no_start(run, finished_run, tmp_path):
    checkpoint = finished_run / "checkpoints" / "last.ckpt"
    more = (f"ckpt_path={checkpoint}", "trainer.max_epochs=4")
    with pytest.raises(ConfigError, match=r"expected a checkpoint of this fold's train proteins"):
        run(tmp_path / "other", "data.fold=5", *more)
    run(tmp_path / "same", "head.dropout=0.2", *more)


def test_a_card_in_another_encoding_is_carried_all_the_same(tmp_path):
    shutil.copytree(SHIPPED["fast"].folder, tmp_path / "fast")
    (tmp_path / "fast" / "README.md").write_bytes("# Café".encode("latin-1"))
    assert read_trained(str(tmp_path / "fast"), ()).papers["README.md"].startswith("# Caf")
