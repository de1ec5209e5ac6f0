"""The folder of a run: where it begins, and that one process has it."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from peftsp.errors import CheckpointError, ConfigError, RunError
from peftsp.runs.folder import RunFolder, check_checkpoint
from peftsp.runs.identity import contents_of
from peftsp.runs.record import write_record


@pytest.fixture
def begun(tmp_path, make_record):
    """Folder of a stopped run with two resume points, and what `find_start` is given besides."""
    folder = RunFolder(tmp_path / "run")
    folder.last.parent.mkdir(parents=True)
    for path in (folder.last, folder.previous):
        torch.save({"state_dict": {"a": torch.zeros(3)}, "loops": {}}, path)
    record = make_record({"lr": 0.1}, has_ended=False)
    write_record(record, folder.path)
    return folder, (record.settings, contents_of(record))


def damage(path, how):
    content = path.read_bytes()
    size = len(content)
    path.write_bytes({"cut": content[: size // 2], "zeros": bytes(size), "none": b""}[how])


@pytest.mark.parametrize("how", ["cut", "zeros", "none"])
def test_damaged_point_is_named_and_the_one_before_is_taken(begun, capsys, how):
    folder, same = begun
    assert folder.find_start("last", False, *same).checkpoint == folder.last
    damage(folder.last, how)
    assert folder.find_start("last", False, *same).checkpoint == folder.previous
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(f"left out: {folder.last}: expected a checkpoint of a training run")
    damage(folder.previous, how)
    with pytest.raises(CheckpointError, match=r"previous\.ckpt: expected a checkpoint"):
        folder.find_start("last", False, *same)


def test_point_that_was_being_replaced_is_not_missed(begun):
    folder, same = begun
    folder.last.unlink()
    assert folder.find_start("last", False, *same).checkpoint == folder.previous


def test_point_with_numbers_that_are_not_finite_is_refused(begun):
    folder, same = begun
    broken = {"state_dict": {"a": torch.tensor([0.0, torch.nan])}, "loops": {}}
    torch.save(broken, folder.last)
    assert folder.find_start("last", False, *same).checkpoint == folder.previous
    with pytest.raises(CheckpointError, match="numbers in it that are not finite: a"):
        check_checkpoint(folder.last)


def test_run_without_a_record_is_not_gone_on_with(begun):
    folder, same = begun
    (folder.path / "run.json").unlink()
    with pytest.raises(RunError, match=r"run\.json: expected a file, found none"):
        folder.find_start("last", False, *same)


def test_command_of_a_run_that_began_from_a_file_goes_on_with_it(begun, tmp_path, make_record):
    """A scheduler that requeues a run gives its command again."""
    folder, same = begun
    file = tmp_path / "other.ckpt"
    torch.save({"state_dict": {}, "loops": {}}, file)
    with pytest.raises(ConfigError, match="expected no earlier run there, found an unfinished run"):
        folder.find_start(str(file), False, *same)
    record = make_record({"lr": 0.1, "ckpt_path": str(file)}, has_ended=False)
    write_record(record, folder.path)
    assert folder.find_start(str(file), False, *same).checkpoint == folder.last
    with pytest.raises(RunError, match=r"lr=0\.1, found lr=0\.2"):
        folder.find_start(str(file), False, {**record.settings, "lr": 0.2}, same[1])
    with pytest.raises(ConfigError, match="expected no earlier run there"):
        folder.find_start(str(folder.last), False, *same)
    assert folder.find_start(str(file), True, *same).checkpoint == file
    assert not folder.has_begun


def test_starting_over_clears_the_folder_but_not_what_is_gone_on_from(begun):
    folder, same = begun
    assert folder.find_start(str(folder.last), True, *same).checkpoint == folder.last
    assert folder.last.exists()
    assert not (folder.path / "run.json").exists()
    assert folder.find_start(None, True, *same).checkpoint is None
    assert not folder.last.exists()


def test_new_run_does_not_take_points_of_the_one_before_for_its_own(begun):
    folder, (settings, contents) = begun
    best = folder.last.with_stem("best")
    folder.last.rename(best)
    best.with_stem("last").write_bytes(best.read_bytes())
    other = {**settings, "lr": 0.5}
    assert folder.find_start(str(best), True, other, contents).checkpoint == best
    assert best.exists()
    assert not folder.has_begun


def test_finished_run_without_its_bundle_is_not_overwritten(begun, make_record):
    folder, (settings, contents) = begun
    for point in (folder.last, folder.previous):
        point.unlink()
    write_record(make_record(settings), folder.path)
    assert folder.find_start("last", False, settings, contents).is_finished
    with pytest.raises(ConfigError, match="expected no earlier run there, found a finished run"):
        folder.find_start(None, False, settings, contents)


@pytest.mark.parametrize("overwrite", [True, False])
def test_checkpoint_that_is_gone_on_from_stays(begun, monkeypatch, overwrite):
    folder, (settings, contents) = begun
    best = folder.last.with_stem("best")
    folder.last.rename(best)
    folder.previous.unlink()
    monkeypatch.chdir(folder.path.parent)
    relative = RunFolder(Path(folder.path.name))
    other = {**settings, "lr": 0.5}
    start = relative.find_start(str(best), overwrite, other, contents)
    assert (start.checkpoint, start.goes_on, best.exists()) == (best, False, True)


def test_file_that_a_run_began_from_need_not_be_there_later(begun, make_record):
    folder, (_, contents) = begun
    settings = {"lr": 0.1, "ckpt_path": "gone.ckpt"}
    for kept in (None, "c" * 64):
        record = make_record(settings, has_ended=False, checkpoint_sha256=kept)
        write_record(record, folder.path)
        folder.check(settings, contents)
    with pytest.raises(RunError, match=r"ckpt_path \(sha256\)"):
        folder.check({**settings, "ckpt_path": "other.ckpt"}, contents)


@pytest.mark.parametrize(("lr", "is_kept"), [(0.1, True), (0.2, False)])
def test_curves_of_a_run_that_never_began_are_of_the_same_run_alone(begun, lr, is_kept):
    folder, (settings, contents) = begun
    for point in (folder.last, folder.previous):
        point.unlink()
    (folder.path / "logs").mkdir()
    folder.find_start("last", False, {**settings, "lr": lr}, contents)
    assert (folder.path / "logs").exists() == is_kept


def test_what_a_run_began_from_makes_it_another(begun, tmp_path, make_record):
    folder, (settings, contents) = begun
    write_record(make_record(settings, has_ended=False, checkpoint_sha256="c" * 64), folder.path)
    with pytest.raises(RunError, match=r"ckpt_path \(sha256\)=c+, found .*=nothing"):
        folder.check(settings, contents)
    # Its own last point is of the same start, whatever that was.
    folder.check({**settings, "ckpt_path": "last"}, contents)


def test_other_checkpoint_does_not_overwrite_a_run(begun, tmp_path):
    folder, same = begun
    other = tmp_path / "other.ckpt"
    folder.last.rename(other)
    with pytest.raises(ConfigError, match="expected no earlier run there, found an unfinished run"):
        folder.find_start(str(other), False, *same)


def test_what_may_start_over_does_so_where_it_is_another_run(begun):
    folder, (_, contents) = begun
    assert folder.find_start("last", True, {"lr": 0.1}, contents).checkpoint == folder.last
    assert folder.find_start("last", True, {"lr": 0.2}, contents).checkpoint is None
    assert not folder.has_begun


def test_one_process_has_the_folder_and_its_own_do_not_ask(begun):
    folder, _ = begun
    code = (
        "import sys; from pathlib import Path; from peftsp.runs.folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked(): print('in', flush=True); input()"
    )
    command = [sys.executable, "-c", code, str(folder.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == "in\n"
        with pytest.raises(RunError, match="expected no other process there"), folder.locked():
            pass
        with RunFolder(folder.path, is_first=False).locked():
            pass
        other.kill()
    with folder.locked():
        pass


def test_what_is_said_is_kept(begun, capsys):
    folder, _ = begun
    folder.say("proteins: 10 train")
    RunFolder(folder.path, is_first=False).say("not the first")
    assert capsys.readouterr().out == "proteins: 10 train\n"
    assert (folder.path / "train.log").read_text().endswith(" proteins: 10 train\n")
