"""Searches: nothing of the test partition is seen, workers share trials, poor ones are pruned."""

import csv
import shlex
import sys

import pytest
from hydra.core.hydra_config import HydraConfig

optuna = pytest.importorskip("optuna", reason="optuna is not installed")

from filelock import FileLock  # noqa: E402
from lightning.pytorch import Trainer  # noqa: E402
from omegaconf import OmegaConf  # noqa: E402
from optuna.trial import TrialState  # noqa: E402

from peftsp.errors import TrainingError  # noqa: E402
from peftsp.model.bundle import read_bundle  # noqa: E402
from peftsp.search.cli import _differing, main  # noqa: E402
from peftsp.search.objective import PoorTrialStop  # noqa: E402
from peftsp.settings_folder import CONF  # noqa: E402
from peftsp.training.module import SignalPeptideModule  # noqa: E402

SMALL = (
    *("backbone=esm2_tiny", "data=synthetic", "data.count=60", "data.batch_size=20"),
    *("optimizer=adamw", "trainer=cpu", "trainer.max_epochs=2", "callbacks.progress_bar=null"),
)


@pytest.fixture
def search(tmp_path, monkeypatch):
    """Function of settings that searches in an empty folder and returns the rows of the table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def run(*settings, method="lora"):
        given = [f"hparams_search={method}", *SMALL, *settings]
        monkeypatch.setattr(sys, "argv", ["search", *given])
        main()
        with (tmp_path / f"runs/search_{method}/trials.csv").open() as lines:
            return list(csv.DictReader(lines))

    yield run
    HydraConfig.instance().cfg = None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["lora", "adapter", "prompt"])
def test_trials_are_scored_by_validation_alone(search, tmp_path, monkeypatch, method):
    monkeypatch.setattr(Trainer, "test", lambda *_, **__: pytest.fail("tested"))
    monkeypatch.setattr(SignalPeptideModule, "test_step", lambda *_: pytest.fail("tested"))
    rows = search("search.trials=2", "search.folds=[2,3]", method=method)
    assert [row["state"] for row in rows] == ["complete", "complete"]
    for row in rows:
        scores = []
        for fold in (2, 3):
            folder = tmp_path / f"runs/search_{method}" / row["folder"] / f"fold{fold}"
            training = read_bundle(folder / "bundle").training
            assert training["data"]["fold"] == fold
            assert training["metrics"].keys() == {"val/score"}
            assert not (folder / "metrics.csv").exists()
            scores.append(training["metrics"]["val/score"])
        assert float(row["value"]) == pytest.approx(sum(scores) / 2)


def test_search_goes_on_and_best_is_an_experiment(search, tmp_path, capsys):
    assert len(search("search.trials=1", "search.folds=[0]")) == 1
    rows = search("search.trials=3", "search.folds=[0]")
    assert len(rows) == 3
    assert len({row["optimizer.lr"] for row in rows}) == 3
    best = max(rows, key=lambda row: float(row["value"]))
    text = (tmp_path / "runs/search_lora/best.yaml").read_text()
    assert text.startswith("# @package _global_\n")
    assert f"rank: {best['peft.rank']}" in text
    assert capsys.readouterr().out.rstrip().endswith("data.fold=0")


def test_search_takes_a_space_from_the_users_own_folder(search, tmp_path, capsys):
    space = (
        (CONF / "hparams_search" / "lora.yaml").read_text().replace("search_lora", "search_mine")
    )
    (tmp_path / "own" / "hparams_search").mkdir(parents=True)
    (tmp_path / "own" / "hparams_search" / "mine.yaml").write_text(space)
    place = f"hydra.searchpath=[file://{tmp_path}/own]"
    [row] = search(
        place, "search.trials=1", "search.folds=[0]", "trainer.max_epochs=1", method="mine"
    )
    assert row["state"] == "complete"
    assert place in shlex.split(capsys.readouterr().out.splitlines()[-1])


def test_search_for_a_loss_takes_the_least(search, tmp_path):
    loss = ("optimized_metric=val/nll", "callbacks.best.monitor=val/nll", "callbacks.best.mode=min")
    rows = search("search.trials=3", "search.folds=[0]", "callbacks.early_stopping=null", *loss)
    best = min(rows, key=lambda row: float(row["value"]))
    assert f"rank: {best['peft.rank']}" in (tmp_path / "runs/search_lora/best.yaml").read_text()
    assert (
        f"lr: {float(best['optimizer.lr'])}"
        in (tmp_path / "runs/search_lora/best.yaml").read_text()
    )


def test_interrupted_trial_is_not_a_failed_one(search, monkeypatch, capsys):
    def interrupt(*_):
        raise KeyboardInterrupt

    once = ("search.trials=1", "search.folds=[0]", "trainer.max_epochs=1")
    with monkeypatch.context() as patch:
        patch.setattr("peftsp.search.objective.train", interrupt)
        with pytest.raises(SystemExit) as ended:
            search(*once)
    assert ended.value.code == 130
    assert capsys.readouterr().err.endswith("interrupted; the same command goes on\n")
    assert [row["state"] for row in search(*once)] == ["running", "complete"]


def test_search_is_of_one_backbone_and_data_set(search, capsys):
    once = ("search.trials=1", "search.folds=[0]", "trainer.max_epochs=1")
    [first] = search(*once)
    for other, message in {
        "data.count=120": "expected the settings of the search found there, data (sha256)=",
        "trainer.max_epochs=2": "trainer.max_epochs=1, found trainer.max_epochs=2; another",
        "backbone=esm2_scratch": "search_lora: expected the settings of the search found there",
        "search.folds=[2]": "search.folds=[0], found search.folds=[2]; another",
    }.items():
        with pytest.raises(SystemExit) as ended:
            search(*once, other)
        assert ended.value.code == 2
        assert message in capsys.readouterr().err
    assert search(*once) == [first]


def test_best_experiment_trains_what_was_best(search, tmp_path, capsys):
    """Also what the search sets beside what it tries: where prompts are."""
    rows = search("search.trials=1", "search.folds=[0,1]", "variant='a b'", method="prompt")
    [command] = [
        shlex.split(line)[3:]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("python train.py -m ")
    ]
    assert {"peft=prompt", "peft.place=topmost", "variant='a b'", "data.fold=0,1"} <= set(command)
    assert f"peft.last_k={rows[0]['peft.last_k']}" in command
    best = OmegaConf.load(tmp_path / "runs/search_prompt/best.yaml")
    assert best.defaults == [{"override /peft": "prompt"}, "_self_"]
    assert (best.peft.place, best.peft.last_k) == ("topmost", int(rows[0]["peft.last_k"]))


def test_lists_that_a_search_sets_are_as_the_command_line_has_them():
    plain, found = (
        OmegaConf.create({"peft": {"target_modules": names, "rank": 8}, "test": is_tested})
        for names, is_tested in ((["q_proj"], True), (["q_proj", "v_proj"], False))
    )
    assert _differing(plain, found) == {"peft.target_modules": "['q_proj','v_proj']"}


def test_poor_trials_are_pruned_and_errors_do_not_stop_a_search(search, monkeypatch):
    scores = iter([0.9, 0.9, 0.1, "broken", "diverged", 0.95, 0.95])

    def log(self, stage):
        value = next(scores)
        if value == "broken":
            raise RuntimeError("out of memory")
        if value == "diverged":
            raise TrainingError("found nan")
        self.log(f"{stage}/score", value)

    monkeypatch.setattr(SignalPeptideModule, "_log_metrics", log)
    pruner = ("search.pruner.n_startup_trials=1", "search.pruner.n_warmup_steps=0")
    rows = search("search.trials=5", "search.folds=[0]", *pruner)
    assert [row["state"] for row in rows] == ["complete", "pruned", "fail", "fail", "complete"]
    errors = ["RuntimeError: out of memory", "TrainingError: found nan"]
    assert [row["error"] for row in rows[2:4]] == errors


def test_a_trial_that_another_worker_took_over_is_left_to_it(search, tmp_path, monkeypatch, capsys):
    """A worker that was silent for too long, but lives, lets go; the other one waits for that."""
    log = SignalPeptideModule._log_metrics
    lock = FileLock(tmp_path / "runs/search_lora/trial0000/fold0/.lock")

    def be_taken_for_dead(self, stage):
        monkeypatch.setattr(SignalPeptideModule, "_log_metrics", log)
        study = watched[0].trial.study
        [trial] = study.get_trials()
        study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        study._storage.get_heartbeat_stale_trial_callback()(study, trial)
        log(self, stage)

    watched = []
    begin = PoorTrialStop.__init__

    def watch(self, trial, *arguments):
        watched.append(self)
        if len(watched) == 2:
            lock.acquire()
        begin(self, trial, *arguments)

    monkeypatch.setattr(PoorTrialStop, "__init__", watch)
    monkeypatch.setattr(SignalPeptideModule, "_log_metrics", be_taken_for_dead)
    waited = []
    sleep = lambda seconds: waited.append(seconds) or lock.release()  # noqa: E731
    monkeypatch.setattr("peftsp.search.objective.time.sleep", sleep)
    rows = search("search.trials=1", "search.folds=[0]")
    assert [(row["state"], row["folder"], row["error"]) for row in rows] == [
        ("fail", "trial0000", ""),
        ("complete", "trial0000", ""),
    ]
    assert waited == [60]
    out, err = capsys.readouterr()
    assert "another worker goes on with this trial" in out
    assert "trial 1 waits: runs/search_lora/trial0000/fold0: expected no other process" in err


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("search.folds=[0,2]",), "expected folds with the same test partition, as [0, 1] or"),
        (("search.trials=x",), "search.trials: expected int, found 'x'"),
        (("search=null",), "search: expected a group of settings, found null"),
        (("+search.sampler.foo=1",), "search.sampler.foo: expected one of consider_endpoints"),
        (("trainer=ddp",), "trainer.devices: expected 1 in a search, whose workers train side"),
        (("search.pruner.n_startup_trials=-1",), "full_key: search.pruner"),
        (("search.folds=0",), "search.folds: expected list, found 0"),
        (("callbacks.best.monitor=null",), "best.monitor: expected val/score in a search for it"),
        (("+search.space.seed={low:1}",), "search.space.seed: expected values, or low"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_what_a_search_must_not_do_is_refused(search, capsys, settings, message):
    with pytest.raises(SystemExit) as ended:
        search(*settings)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


def test_search_does_not_go_on_with_a_space_that_does_not_fit(search, tmp_path, capsys):
    once = ("search.trials=1", "search.folds=[0]", "trainer.max_epochs=1")
    search(*once)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*.[cy]*") if p.is_file()}
    for key, bounds in {
        "peft.rank": "{values:[2,4]}",
        "peft.alpha": "{low:4,high:32}",
        "optimizer.lr": "{low:1e-4,high:2e-2}",
    }.items():
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            search(*once, "~search.space", f"+search.space={{{key}:{bounds}}}")
        assert ended.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: search.space.{key}: expected ")
        assert "as the search search_lora began with, found " in line
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.[cy]*") if p.is_file()} == files
    # Optuna goes on with other bounds, and without a setting.
    search(*once, "~search.space", "+search.space={optimizer.lr:{low:1e-3,high:1e-2,log:true}}")


def test_started_workers_leave_no_credentials(search, tmp_path, capsys):
    with pytest.raises(SystemExit):
        search("search.storage=postgresql+typo://me:PASSWORD@host/db", "search.worker=0,1", "-m")
    assert "PASSWORD" not in "".join(capsys.readouterr())
    [kept] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert kept.name == "multirun.yaml"
    assert "search.storage=postgresql+typo://***@host/db" in kept.read_text()
