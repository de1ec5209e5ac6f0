"""What a run leaves whose test partition is left alone."""

import json
from pathlib import Path

import pandas as pd
import pytest
from lightning.pytorch import Callback, Trainer

from peftsp import predict
from peftsp.data.synthetic import SyntheticProteins
from peftsp.labels import SP_TYPES
from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.model.bundle import read_bundle
from peftsp.runs.folder import RunFolder
from peftsp.training.predictions import KeptPredictions
from peftsp.training.run import train

SHORT = ("trainer.max_epochs=1", "data.batch_size=20", "name=same")
TESTED = {"test_predictions.csv", "metrics.csv", "confusion.png"}


@pytest.fixture
def untested(run, tmp_path, monkeypatch):
    """Folder of a run without test, in which an earlier one was tested."""
    first = run(tmp_path, *SHORT)
    assert {path.name for path in first.iterdir()} >= TESTED
    monkeypatch.setattr(Trainer, "test", lambda *_, **__: pytest.fail("tested"))
    return run(tmp_path, *SHORT, "seed=2", "test=false", "overwrite=true")


def test_run_without_test_is_finished_and_leaves_no_test_results(untested):
    assert RunFolder(untested).is_finished
    assert not {path.name for path in untested.iterdir()} & TESTED
    assert read_bundle(untested / "bundle").training["metrics"].keys() == {"val/score"}


def test_run_without_test_leaves_its_record(untested):
    record = json.loads((untested / "run.json").read_text())
    assert (record["seed"], record["settings"]["test"]) == (2, False)
    files = (untested / "bundle").iterdir()
    assert record["cost"]["bundle_size"] == sum(path.stat().st_size for path in files)


def test_watchers_and_the_clock_see_the_same_fit(compose_run, tmp_path):
    class Watcher(Callback):
        batches = 0

        def on_train_batch_end(self, *_):
            self.batches += 1

    watcher = Watcher()
    config = compose_run(tmp_path, *SHORT, "test=false")
    train(config, [watcher])
    assert watcher.batches == 1, "20 proteins train"
    record = json.loads((Path(config.paths.output_dir) / "run.json").read_text())
    assert record["cost"]["fit_seconds"] > 0


def test_without_a_monitor_the_last_model_is_taken(run, tmp_path):
    """Also where the last validation is of an earlier one."""
    rare = ("trainer.max_epochs=3", "trainer.check_val_every_n_epoch=2", "data.batch_size=20")
    folder = run(
        tmp_path,
        *rare,
        "callbacks.best.monitor=null",
        "callbacks.early_stopping=null",
        "test=false",
    )
    assert read_bundle(folder / "bundle").training["epoch"] == 2


def test_the_test_is_of_the_model_in_the_bundle(run, tmp_path):
    """Its temperature included."""
    folder = run(tmp_path, *SHORT, "crf.temperature=3")
    rows = pd.read_csv(folder / "test_predictions.csv").set_index("accession")
    records = {r.accession: r for r in SyntheticProteins(60, 0).load()}
    asked = [(name, records[name].residues) for name in rows.index]
    for found in predict(asked, bundle=folder / "bundle", device="cpu", precision="fp32"):
        if len(found.residues) >= 70:
            tested = rows.loc[found.identifier, list(SP_TYPES)]
            assert list(found.probabilities) == pytest.approx(list(tested), abs=1e-4)


def test_what_is_tested_is_gathered_while_the_processes_are_together(run, tmp_path, monkeypatch):
    """Some backends gather from GPUs alone, which the trainer's end empties."""
    test = Trainer.test

    def test_and_part(*given, **settings):
        found = test(*given, **settings)
        for kind in (SignalPeptideMetrics, KeptPredictions):
            monkeypatch.setattr(kind, "sync_context", lambda *_, **__: pytest.fail("gathered"))
            monkeypatch.setattr(kind, "compute", lambda *_, **__: pytest.fail("gathered"))
        return found

    monkeypatch.setattr(Trainer, "test", test_and_part)
    assert {path.name for path in run(tmp_path, *SHORT).iterdir()} >= TESTED


def test_bundle_is_read_again_where_a_measure_is_not_defined(run, tmp_path, monkeypatch):
    records = SyntheticProteins(60, 0).load()
    kept = [r for r in records if r.partition != 0 or r.sp_type == "NO_SP"]
    monkeypatch.setattr(SyntheticProteins, "load", lambda _: kept)
    folder = run(tmp_path, *SHORT)
    found = read_bundle(folder / "bundle").training["metrics"]
    assert "test/score" in found
    assert "test/mean_mcc2" not in found
