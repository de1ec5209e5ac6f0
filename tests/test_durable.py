"""Files are put in place on systems that flush differently."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from peftsp.durable import put_in_place, whole_file


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
