"""The leaderboard's commands are ones that peftsp takes, and its report reads all runs alike."""

import sys
import tarfile
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from peftsp.data.labelled import write_labelled
from peftsp.data.synthetic import SyntheticProteins
from peftsp.labels import SP_TYPES
from peftsp.runs.record import write_record
from peftsp.runs.results import Run
from peftsp.settings_folder import CONF
from peftsp.training.build import read_contents, settings_of, standalone
from peftsp.training.run import train

pytest.importorskip("sklearn")
FOLDER = Path(__file__).resolve().parents[2] / "experiments" / "peft_leaderboard"
sys.path.insert(0, str(FOLDER))
try:
    trials = import_module("trials")
finally:
    sys.path.remove(str(FOLDER))


@pytest.fixture
def script(monkeypatch):
    """Function of a script's name that imports it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    yield import_module
    for name in ("study", "trivial", "report", "calibrated", "curve", "pack"):
        sys.modules.pop(name, None)


@pytest.fixture
def study(script, monkeypatch, tmp_path):
    """A study, and the commands that it has given."""
    module, given = script("study"), []
    monkeypatch.setattr(
        module.subprocess,
        "run",
        lambda command, check: given.append(command[1:]) or SimpleNamespace(returncode=0),
    )
    options = module._parser().parse_args(["--checkpoint", "x", "--runs", str(tmp_path)])
    return module.Study(options), given


@pytest.mark.parametrize("name", trials.METHODS)
def test_trials_are_settings_of_the_method_and_cover_its_bounds(name):
    method = trials.METHODS[name]
    settings = OmegaConf.load(CONF / "peft" / f"{method.get('peft', name)}.yaml")
    OmegaConf.set_struct(settings, True)
    own = [trials.trial_settings(method, n, 4) for n in range(4)]
    rates = [trial["optimizer.lr"] for trial in own]
    low, high = method["rate"]
    assert rates == sorted(set(rates))
    assert low < rates[0] < 4 * low
    assert high / 4 < rates[3] < high
    for key, values in method["size"].items():
        assert {trial[key] for trial in own} == set(values)
        for value in values:
            OmegaConf.update(settings, key.removeprefix("peft."), value)
            instantiate(settings, _convert_="all")
    head = [trial["optimizer.lr"] * trial["learning_rate.head_factor"] for trial in own]
    assert head == pytest.approx(rates if name == "frozen" else [trials.HEAD_RATE] * 4, rel=0.01)


@pytest.mark.parametrize("name", ["ia3", "scratch"])
def test_commands_of_a_method_can_be_composed(study, name):
    made, given = study
    made.train(name, 1, trials.TRAINED, [1])
    [command] = given
    assert command[:2] == ["train.py", "-m"]
    assert "data.fold=0,1,3" in command
    with initialize_config_dir(str(CONF), version_base="1.3"):
        run = compose("train", [o for o in command[2:] if not o.startswith(("data.fold", "seed"))])
    assert run.optimizer.lr == trials.trial_settings(trials.METHODS[name], 1, 4)["optimizer.lr"]
    assert (run.backbone.checkpoint == "random") == (name == "scratch")


def outcome(trial, fold, score, seed):
    """A test of a trial, without predictions."""
    record = SimpleNamespace(
        fold=fold, seed=seed, settings={"variant": f"-trial{trial}"}, metrics={"test/mcc": score}
    )
    return Run(Path(f"{trial}-{fold}-{seed}"), record, pd.DataFrame(), pd.DataFrame())


def places(tests):
    """Fold, seed and trial of each."""
    return [(run.record.fold, run.record.seed, trials.trial_of(run)) for run in tests]


def test_a_fold_takes_the_trial_that_validates_best_not_the_one_that_tests_best():
    # Folds 0 and 2 train on one partition: what one tests on validates in the other.
    scores = {(0, 0): 0.9, (0, 2): 0.5, (1, 0): 0.6, (1, 2): 0.7}
    tests = [outcome(*place, score, 1) for place, score in scores.items()]
    assert places(trials.chosen(tests)) == [(0, 1, 1), (2, 1, 0)]
    with_seeds = [*tests, outcome(1, 0, 1.0, 2), outcome(0, 2, 0.1, 2), outcome(1, 0, 1.0, 3)]
    # Seed 3 lacks a fold: its mean would be one of other proteins.
    assert places(trials.chosen(with_seeds)) == [(0, 1, 1), (0, 2, 1), (2, 1, 0), (2, 2, 0)]
    assert trials.validation_score(tests, tests[2]) == 0.7
    assert not trials.is_complete(tests)
    assert [trials.trained_fold(fold) for fold in range(6)] == [0, 1, 0, 3, 1, 3]


def test_another_study_can_choose_the_trials():
    few = [outcome(n, fold, 0.5 + n * (-1) ** fold / 10, 1) for n in (0, 1) for fold in range(6)]
    assert trials.chosen_trials(few) == {0: 1, 1: 1, 2: 1, 3: 0, 4: 0, 5: 0}
    many = [outcome(1, fold, 0.9, 7) for fold in (0, 1, 2)]
    assert not trials.is_complete(many, few)
    many += [outcome(0, fold, 0.1, 7) for fold in (3, 4, 5)]
    assert not trials.is_complete(many)
    assert trials.is_complete(many, few)
    assert places(trials.chosen(many, few)) == [
        (fold, 7, trial) for fold, trial in trials.chosen_trials(few).items()
    ]
    assert not trials.is_complete(many, few[:-1])


def test_the_best_methods_and_lora_train_their_chosen_trials_with_further_seeds(study, monkeypatch):
    made, given = study
    validates = {"lora": 0.7, "ia3": 0.9, "dora": 0.8}

    def read(folder):
        best = validates[folder.name]
        return [outcome(n, fold, best if n == 1 else 0.1, 1) for n in (0, 1) for fold in range(6)]

    module = sys.modules["study"]
    monkeypatch.setattr(module, "read_tested", read)
    assert made.best([*validates], 1) == ["ia3", "lora"]
    monkeypatch.setattr(made, "test", lambda name: None)
    made.train_chosen("lora", "signalp6_small10", [2, 3])
    for command, seed in zip(given, (2, 3), strict=True):
        assert {"data.fold=0,1,3", f"seed={seed}", "variant=-trial1"} <= set(command)
    monkeypatch.setattr(module, "read_tested", lambda folder: read(folder)[1:])
    made.train_chosen("lora", "signalp6_small10", [2])
    assert len(given) == 2
    told = "lora: expected all trials of peft_leaderboard-esm2_8m-signalp6_small10, found fewer"
    assert made.failed == [told]


def test_a_method_whose_last_trial_lacks_a_test_cannot_be_compared_yet(script):
    tests = [outcome(trial, fold, 0.5, 1) for trial in (0, 1) for fold in range(6)]
    assert trials.is_complete(tests)
    assert trials.is_complete([*tests, outcome(0, 0, 0.5, 2)])
    assert not trials.is_complete(tests[:-1])
    assert len(script("pack").needed_folders(tests)) == 6
    assert len(script("pack").needed_folders(tests[:-1])) == 11
    module = script("report")
    of = {"lora": tests, "ia3": tests[:6], "kmer_logistic": tests[:6]}
    assert module.with_fewer_trials(of) == {"ia3"}
    assert module.with_fewer_trials({"lora": tests, "kmer_logistic": tests[:6]}) == set()


@pytest.fixture
def own_run(tmp_path):
    """Records, and the settings of a short training on them."""
    records = SyntheticProteins(60, 0).load()
    write_labelled(records, tmp_path / "own.fasta")
    given = (
        *("experiment=quickstart", "overwrite=false", "data=labelled", "variant=-trial3"),
        *(f"data.path={tmp_path}/own.fasta", "trainer.max_epochs=1", "test=false"),
        *("trainer.limit_val_batches=0", "callbacks.best.monitor=null"),
        *("callbacks.early_stopping=null", "callbacks.progress_bar=null"),
        *("+trainer.enable_progress_bar=false", f"paths.runs_dir={tmp_path}/runs"),
    )
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return records, standalone(compose("train", [*given], return_hydra_config=True))


@pytest.mark.slow
def test_a_training_is_tested_in_both_folds_of_its_partition_once(
    tmp_path, own_run, script, monkeypatch
):
    records, config = own_run
    train(config)
    [runs] = (tmp_path / "runs").iterdir()
    tested = tmp_path / "tested"
    trials.predict_folds(runs, tested, records)
    found = trials.read_tested(tested)
    assert [run.folder for run in found] == trials.test_folders(tested, 3, 2, 1)
    assert [run.folder.name for run in found] == ["trial3-fold0-seed1", "trial3-fold2-seed1"]
    found[1].folder.rename(tmp_path / "away")
    assert trials.read_tested(tested) == []
    (tmp_path / "away").rename(found[1].folder)
    before = (found[0].folder / "run.json").stat().st_mtime_ns
    trials.predict_folds(runs, tested, records)
    assert (found[0].folder / "run.json").stat().st_mtime_ns == before
    for run, partition in zip(found, (0, 1), strict=True):
        own = [r for r in records if r.partition == partition]
        assert list(run.predictions["accession"]) == [r.accession for r in own]
        assert run.record.splits["test"] == len(own)
        of = run.predictions
        assert trials.score_of(run) == trials.matthews_corrcoef(of["sp_type"], of["predicted_type"])
    [folder] = runs.iterdir()
    for kept in (folder, *(run.folder for run in found)):
        assert trials.is_done(kept, config, read_contents)
    assert not trials.is_done(tmp_path / "none", config, read_contents)
    (tmp_path / "study").mkdir()
    tested.rename(tmp_path / "study" / "lora")
    first, second = str(tmp_path / "tests.tar.xz"), str(tmp_path / "more")
    for given in (["-o", first], ["--beyond", first, "-o", second]):
        monkeypatch.setattr(sys, "argv", ["pack", str(tmp_path / "study"), *given])
        script("pack").main()
    with tarfile.open(second) as archive:
        assert archive.getnames() == []
    (tmp_path / "study" / "lora").rename(tested)
    with tarfile.open(first) as archive:
        archive.extractall(tmp_path / "elsewhere", filter="data")
    unpacked = trials.read_tested(tmp_path / "elsewhere" / "study" / "lora")
    for one, other in zip(unpacked, found, strict=True):
        assert trials.is_done(one.folder, config, read_contents)
        assert str(tmp_path) not in (one.folder / "run.json").read_text()
        pd.testing.assert_frame_equal(one.predictions, other.predictions, rtol=0.006)
    config.trainer.max_epochs = 2
    for kept in (folder, *(run.folder for run in found)):
        assert not trials.is_done(kept, config, read_contents)
    other = replace(found[0].record, settings=settings_of(config), metrics={"test/mcc": -1.0})
    write_record(other, found[0].folder)
    trials.predict_folds(runs, tested, records)
    assert trials.read_tested(tested)[0].record == found[0].record


def test_what_has_been_tested_is_not_trained_again(study, monkeypatch):
    made, given = study
    module = sys.modules["study"]
    monkeypatch.setattr(module, "is_done", lambda folder, *_: "-tested/lora/trial1" in str(folder))
    made.train("lora", 1, trials.TRAINED, [1])
    assert not given
    made.train("lora", 2, trials.TRAINED, [1])
    assert len(given) == 1


@pytest.mark.slow
def test_trivial_baselines_are_runs_that_the_report_reads(script, tmp_path, monkeypatch, capsys):
    write_labelled(SyntheticProteins(120, seed=0).load(), tmp_path / "data.fasta")
    for name, arguments in (
        ("trivial", [str(tmp_path / "data.fasta"), "-o", str(tmp_path / "runs")]),
        ("report", [str(tmp_path / "runs"), "-o", str(tmp_path / "out"), "--resamples", "100"]),
    ):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        script(name).main()
    table = (tmp_path / "out" / "leaderboard.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == ["| kmer_logistic", "| most_frequent"]
    assert "| most_frequent | 6 | 0.000 (0.000 to 0.000)" in table[3]
    assert (tmp_path / "out" / "leaderboard.png").stat().st_size


def test_the_curve_goes_from_few_proteins_to_many(script, tmp_path, monkeypatch):
    columns = ["method", "runs", "training_proteins", "mcc2", "low", "high"]
    of = {
        "many": [("lora", 6, 6800, 0.81, 0.79, 0.84), ("full", 6, 6800, 0.82, 0.8, 0.85)],
        "few": [("lora", 30, 120, 0.7, 0.6, 0.8), ("bitfit", 30, 120, 0.72, 0.7, 0.75)],
    }
    for name, rows in of.items():
        (tmp_path / name).mkdir()
        pd.DataFrame(rows, columns=columns).to_csv(tmp_path / name / "leaderboard.csv", index=False)
    given = [str(tmp_path / name) for name in of]
    monkeypatch.setattr(sys, "argv", ["curve", *given, "-o", str(tmp_path / "curve")])
    script("curve").main()
    assert (tmp_path / "curve.md").read_text().splitlines() == [
        "| method | few: 120 training proteins | many: 6,800 training proteins |",
        "|---|---:|---:|",
        "| lora | 0.700 (0.600 to 0.800), 30 runs | 0.810 (0.790 to 0.840), 6 runs |",
    ]
    assert (tmp_path / "curve.png").stat().st_size


def test_calibration_of_a_fold_is_found_on_its_validating_partition(script):
    module = script("calibrated")
    own = torch.tensor([[0.6, 0.4, 0, 0, 0, 0], [0.9, 0.1, 0, 0, 0, 0]]).double()

    def predicted(sp_types):
        table = pd.DataFrame(own.repeat(50, 1).numpy(), columns=list(SP_TYPES))
        return table.assign(sp_type=sp_types * 50, predicted_type="NO_SP")

    tests = [
        replace(outcome(0, fold, 0.5, 1), predictions=predicted(sp_types))
        for fold, sp_types in ((0, ["NO_SP", "NO_SP"]), (2, ["SP", "NO_SP"]))
    ]
    tests = [replace(run, record=SimpleNamespace(method="x", **vars(run.record))) for run in tests]
    calls = replace(tests[1], predictions=tests[1].predictions.round())
    known = [module.has_probabilities([tests[0], of], tests[:1]) for of in (tests[1], calls)]
    assert known == [True, False]
    of_fold_0, of_fold_2 = module.calibrated(tests, tests).runs
    # What validates in fold 0 says that 0.4 is a signal peptide; in fold 2, that none is one.
    assert list(of_fold_0.predictions["predicted_type"][:2]) == ["SP", "NO_SP"]
    assert list(of_fold_2.predictions["predicted_type"][:2]) == ["NO_SP", "NO_SP"]
