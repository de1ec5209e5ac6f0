"""Files are put in place on systems that flush differently."""

import errno
import fcntl
import os
import shutil
from pathlib import Path

import pytest

from peftsp.durable import put_in_place, whole_file, whole_folder
from peftsp.errors import ConfigError


@pytest.fixture
def windows(monkeypatch):
    """A system that opens no folder and flushes only what is open for writing."""
    flush, open_ = os.fsync, os.open

    def fsync(number):
        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, "not open for writing")
        flush(number)

    def open_file(path, *args, **kwargs):
        if Path(path).is_dir():
            raise PermissionError(errno.EACCES, "is a folder", str(path))
        return open_(path, *args, **kwargs)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "open", open_file)
    monkeypatch.delattr(os, "O_DIRECTORY")
    monkeypatch.setattr(shutil, "_use_fd_functions", False)


@pytest.mark.parametrize("system", ["here", "windows"])
def test_new_file_takes_the_place_of_the_old_one(system, tmp_path, request):
    if system == "windows":
        request.getfixturevalue("windows")
    (tmp_path / "run.json").write_text("old")
    (tmp_path / "partial").write_text("new")
    put_in_place(tmp_path / "partial", tmp_path / "run.json")
    assert (tmp_path / "run.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


def test_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "table.csv"
    with whole_file(path) as partial:
        partial.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"
    with pytest.raises(TypeError), whole_file(path) as partial, partial.open("w") as file:
        file.writelines(["half", None])
    assert path.read_text() == "first"
    assert [left.name for left in path.parent.iterdir()] == ["table.csv"]


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def write(whole, place):
    with whole(place) as partial:
        (partial if whole is whole_file else partial / "weights").write_text("new")


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
@pytest.mark.parametrize("step", [(Path, "write_text"), (os, "fsync")])
def test_full_disk_is_told_by_the_name_that_was_given(whole, step, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(*step, full)
    with pytest.raises(ConfigError) as found:
        write(whole, Path("out"))
    assert str(found.value) == "out: expected a place to write to, found: No space left on device"
    assert not list(tmp_path.iterdir())


def test_what_is_on_the_way_is_told_with_the_place(tmp_path):
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "new" / "table.csv"
    with pytest.raises(ConfigError, match=r"table.csv: expected a place to write to, found: Not a"):
        whole_file(place).__enter__()


def test_what_cannot_be_read_is_not_told_as_written(tmp_path):
    with (
        pytest.raises(FileNotFoundError, match="input"),
        whole_file(tmp_path / "out" / "table.csv") as partial,
    ):
        partial.write_text((tmp_path / "input").read_text())


def test_link_is_followed_and_pipe_is_written_to(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    with whole_file(tmp_path / "link.txt") as partial:
        partial.write_text("new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with whole_file(tmp_path / "pipe") as partial:
        partial.write_text("said")
    assert os.read(reader, 9) == b"said"
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("system", ["here", "windows"])
def test_folder_appears_whole_or_not_at_all(system, tmp_path, request):
    if system == "windows":
        request.getfixturevalue("windows")
    folder = tmp_path / "new" / "bundle"
    with whole_folder(folder) as partial:
        (partial / "inside").mkdir()
        (partial / "inside" / "weights").write_text("first")
        assert not folder.exists()
    with pytest.raises(TypeError), whole_folder(folder) as partial:
        (partial / "weights").write_text(None)
    assert (folder / "inside" / "weights").read_text() == "first"
    with whole_folder(folder) as partial:
        (partial / "weights").write_text("second")
    assert [path.name for path in folder.iterdir()] == ["weights"]
    assert [left.name for left in folder.parent.iterdir()] == ["bundle"]


def test_what_fails_between_two_folders_leaves_the_former(tmp_path, monkeypatch):
    folder = tmp_path / "bundle"
    with whole_folder(folder) as partial:
        (partial / "weights").write_text("first")
    rename = Path.rename

    def killed(path, target):
        if path.name.endswith(".partial"):
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed)
    with pytest.raises(KeyboardInterrupt), whole_folder(folder) as partial:
        (partial / "weights").write_text("second")
    assert [path.read_text() for path in folder.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [folder]


def test_folder_is_on_the_disk_before_it_is_in_place(tmp_path, monkeypatch):
    flushed = []
    flush = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda number: flushed.append(name_of(number)) or flush(number)
    )
    with whole_folder(tmp_path / "bundle") as partial:
        (partial / "weights").write_text("first")
        (partial / "config.json").write_text("{}")
    assert sorted(flushed) == [
        str(tmp_path),
        str(tmp_path / ".bundle.partial" / "config.json"),
        str(tmp_path / ".bundle.partial" / "weights"),
    ]


def name_of(number):
    return str(Path(f"/proc/self/fd/{number}").readlink())
