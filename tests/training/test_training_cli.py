"""The command: what a user can mend is one line on standard error and status 2."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from hydra.core.hydra_config import HydraConfig

import peftsp
from peftsp.training.cli import main

REPOSITORY = Path(__file__).resolve().parents[2]
QUICK = ("experiment=quickstart", "callbacks.progress_bar=null")

BAD = [
    (("data.foldd=1",), r"foldd"),
    (("optimiser=adamw",), r"optimiser"),
    (("nonsense.more=1",), r"nonsense"),
    (("peft=loraa",), r"peft/loraa.*(adapter|lora)"),
    (("experiment=missing",), r"experiment/missing"),
    (("data.fold=9",), r"data\.fold: expected 0 to 5, found 9"),
    (("data.count=10",), r"expected 60 or more, found 10"),
    (("data.batch_size=0",), r"batch_size: expected 1 or more, found 0"),
    (("data=labelled",), r"data\.path"),
    (("data=labelled", "data.path=missing.fasta"), r"missing\.fasta: expected .* file"),
    (("ckpt_path=missing.ckpt",), r"ckpt_path: expected a checkpoint .* found missing\.ckpt"),
    (("peft.rank=0",), r"peft\.rank: expected a number above 0, found 0"),
    (("peft.last_k=33",), r"peft\.last_k: expected 1 to 2 layers of esm2_tiny, found 33"),
    (("peft=prompt", "peft.place=topmost"), r"peft\.last_k: .* found None for place=topmost"),
    (("peft.target_modules=[query]",), r"peft\.target_modules: .* found query"),
    (("head.dropout=1.5",), r"head\.dropout: expected 0 <= dropout < 1, found 1\.5"),
    (("head.kingdom_embedding=-1",), r"head\.kingdom_embedding: .* found -1"),
    (("crf.table=free",), r"crf\.table: expected one of peftsp, published, none, found 'free'"),
    (("crf.constraint=firm",), r"crf\.constraint: expected one of hard, soft, found 'firm'"),
    (("crf.decoding=best",), r"crf\.decoding: expected one of of_type, free, found 'best'"),
    (("scheduler.warmup=2",), r"scheduler\.warmup: expected a share from 0 to 1, found 2"),
    (("backbone.checkpoint=missing.pt",), r"missing\.pt: expected a fair-esm \.pt file"),
    (("backbone.dtype=int8",), r"backbone\.dtype: .* found 'int8'"),
    (("backbone.spec.heads=5",), r"esm2_tiny: expected a width that 5 heads divide"),
    (("trainer.max_epoch=1",), r"max_epoch"),
    (("seed=-1",), r"seed: expected 0 to \d+, found -1"),
    (("optimizer.lr=-1",), r"optimizer, scheduler: .* Invalid learning rate: -1"),
    (("+optimizer.typo=1",), r"optimizer\.typo: expected one of .* found another"),
    (("+peft.typo=1",), r"typo"),
    (("trainer.precision=int4",), r"trainer\.precision: expected one of .*, found 'int4'"),
    (("trainer.precision=16-true",), r"trainer\.precision: expected one of .*, found 16-true"),
    (("trainer.max_epochs=two",), r"trainer\.max_epochs: expected int or null, found 'two'"),
    (("peft.rank=abc",), r"peft\.rank: expected int, found 'abc'"),
    (("+foo=4",), r"foo: expected a setting that --help lists, found another"),
    (("crf.table=published",), r"crf\.table: expected peftsp or none .* infinite"),
    (("paths.runs_dir=/dev/null",), r"/dev/null"),
    (("trainer.max_epochs=0",), r"trainer\.max_epochs: expected 1 or more, found 0"),
    (("+trainer.val_check_interval=100",), r"trainer\.val_check_interval: .* \(100\) must be less"),
    (("peft=null",), r"peft: expected one of adapter, .*, found null"),
]


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Function of overrides that runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")

    def run(*overrides):
        monkeypatch.setattr(sys, "argv", ["train.py", *overrides])
        main()

    yield run
    HydraConfig.instance().cfg = None


@pytest.mark.parametrize(("overrides", "message"), BAD, ids=[" ".join(o) for o, _ in BAD])
def test_what_a_user_can_mend_is_one_line_and_status_2(command, capsys, overrides, message):
    with pytest.raises(SystemExit) as ended:
        command(*QUICK, *overrides)
    assert ended.value.code == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert re.search(message, line), line


@pytest.mark.slow
def test_process_ends_with_status_2_and_leaves_no_bundle(warm_python, tmp_path):
    ended = subprocess.run(
        [warm_python, str(REPOSITORY / "train.py"), *QUICK, "peft.rank=0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == "error: peft.rank: expected a number above 0, found 0\n"
    assert not list(tmp_path.rglob("bundle"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("package", "wrong", "status", "says"),
    [
        ("training", "peft.rank=0", 1, "1 runs: 1 failed"),
        ("search", "search.storage=nowhere", 2, "error: search.storage: expected a database"),
    ],
)
def test_sweeps_work_in_any_install(warm_python, tmp_path, package, wrong, status, says):
    """The checkout is not the working folder, so that Hydra's own search finds no plug-in there."""
    code = f"from peftsp.{package}.cli import main; main()"
    ended = subprocess.run(
        [warm_python, "-c", code, *QUICK, wrong, "-m"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == status, ended.stderr
    assert says in ended.stdout + ended.stderr


def test_refused_run_leaves_the_settings_of_the_one_before(command, tmp_path, capsys):
    small = ("data.count=60", "trainer.max_epochs=1", "overwrite=false")
    command(*QUICK, *small)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    for change in ("optimizer.lr=0.5", "peft.rank=2", "optimizer=muon", "trainer.max_epochs=5"):
        with pytest.raises(SystemExit) as ended:
            command(*QUICK, *small, change, "ckpt_path=last")
        assert ended.value.code == 2
        [line] = capsys.readouterr().err.splitlines()
        assert "expected the settings of the run found there" in line
        assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted; the same command with ckpt_path=last goes on"),
        (RuntimeError("DataLoader worker (pid 3) is killed by signal: Bus error."), 2,
         "error: data.num_workers: expected 0 where processes cannot share memory, found 2 "
         "(DataLoader worker (pid 3) is killed by signal: Bus error.)"),
    ],
    ids=["ctrl-c", "no shared memory"],
)  # fmt: skip
def test_what_stops_training_from_outside_is_one_line(
    command, capsys, monkeypatch, error, status, line
):
    def stop(*_):
        raise error

    monkeypatch.setattr("peftsp.training.randomness.StepSeed.on_train_batch_start", stop)
    with pytest.raises(SystemExit) as ended:
        command(*QUICK, "data.count=60", "data.num_workers=2")
    assert ended.value.code == status
    assert capsys.readouterr().err.splitlines()[-1] == line


def test_bugs_keep_their_traceback(command, monkeypatch):
    def fail(cfg):
        raise ZeroDivisionError

    monkeypatch.setattr("peftsp.training.cli.train", fail)
    with pytest.raises(ZeroDivisionError):
        command(*QUICK)


def test_sweep_trains_each_fold_in_a_folder_of_its_own(command, tmp_path, capsys):
    command(*QUICK, "data.count=60", "trainer.max_epochs=1", "data.fold=0,3", "-m")
    runs = sorted(path.parent.name for path in tmp_path.rglob("bundle"))
    assert [re.search(r"fold\d", name)[0] for name in runs] == ["fold0", "fold3"]


@pytest.mark.parametrize(("metric", "status"), [("val/score", None), ("val/typo", 2)])
def test_sweeps_can_optimise_any_metric_of_the_run(command, capsys, metric, status):
    small = ("data.count=60", "trainer.max_epochs=1", f"optimized_metric={metric}")
    if status is None:
        command(*QUICK, *small)
    else:
        with pytest.raises(SystemExit) as ended:
            command(*QUICK, *small)
        assert ended.value.code == status
        [line] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error")]
        assert re.search(r"expected one of .*test/score, val/score, found val/typo", line)


def test_a_run_that_is_not_tested_gives_a_sweep_its_validation_score(command, tmp_path):
    command(*QUICK, "data.count=60", "trainer.max_epochs=1", "test=false")
    assert len(list(tmp_path.rglob("bundle"))) == 1


def test_help_names_the_groups_and_their_choices(command, capsys):
    with pytest.raises(SystemExit) as ended:
        command("--help")
    assert not ended.value.code
    shown = capsys.readouterr().out
    for path in (REPOSITORY / "conf" / "peft").glob("*.yaml"):
        assert path.stem in shown


@pytest.mark.parametrize("name", ["training", "search", "memory"])
def test_version_is_that_of_the_package(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--version"])
    import_module(f"peftsp.{name}.cli").main()
    assert capsys.readouterr().out == f"peftsp {peftsp.__version__}\n"
