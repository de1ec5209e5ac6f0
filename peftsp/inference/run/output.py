"""The folder of a run's results."""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout

from peftsp.durable import writing_to
from peftsp.errors import ConfigError, tell
from peftsp.files import is_there, read_json

RECORD_FILE = "prediction.json"
_STAGE = ".unfinished"
_MARK = ".peftsp"
_MOST_MEGABYTES = 4096
"""Of a run's own record, which names each picture of each protein."""
_LOCK = ".lock"
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


class OutputFolder:
    """Results of a run, which take the place of an earlier run's when all of them are whole.

    In the block, files are made in the folder ``stage``; what is left there goes at its end.
    ``prediction.json`` in the folder itself lists the results of the last whole run with their
    hashes: what it does not list, or lists with another content, is the user's and is never
    replaced or removed, nor is an input. One run has the folder at a time; the system lets go of it
    when a run is killed. Results that a run was ended among moving are moved by the next one.

    Args:
        path: The folder; made if need be.
        inputs: Files that the run reads.
        results: Names that it is going to write, as far as they are known, so that what is in
            their place shows before the work.
    """

    def __init__(
        self, path: Path, inputs: Sequence[Path] = (), results: Sequence[str] = ()
    ) -> None:
        self.path = path
        self.stage = path / _STAGE
        self._results = results
        self._inputs = [found.resolve() for found in inputs]
        self._lock = FileLock(path / _LOCK, blocking=False)

    def __enter__(self) -> Self:
        with writing_to(self.path):
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise ConfigError(f"{self.path}: expected a folder, found a file") from error
            self._take()
            try:
                self._recover()
                self._check_places({}, self._results)
                self.stage.mkdir()
                (self.stage / _MARK).touch()
            except BaseException:
                self._let_go()
                raise
        return self

    def __exit__(self, *error: object) -> None:
        if not _is_record(self.stage / RECORD_FILE):
            shutil.rmtree(self.stage, ignore_errors=True)
        self._let_go()

    def publish(self, record: dict[str, Any]) -> tuple[Path, ...]:
        """Move results out of ``stage``, and remove what only the earlier run's record lists.

        Args:
            record: JSON-compatible, with the key ``peftsp``; goes into ``prediction.json`` with
                the list of ``files`` and their hashes.

        Returns:
            Where the results are now, files and folders in alphabetical order.

        Raises:
            ConfigError: They cannot be written, or something of the user's is in their place.
        """
        made = sorted(path for path in self.stage.iterdir() if path.name != _MARK)
        names = [path.name for path in made]
        with writing_to(self.path):
            record = {**record, "files": names, "sha256": _hashes(made, self.stage)}
            self._check_places(record, names)
            text = json.dumps(record, indent=2, allow_nan=False) + "\n"
            (self.stage / RECORD_FILE).write_text(text, encoding="utf-8", newline="\n")
            self._move(names)
        return tuple(self.path / name for name in names)

    def _check_places(self, record: dict[str, Any], names: Iterable[str]) -> None:
        """Check that what is to be replaced or removed is what a run wrote, and no input.

        Args:
            record: Of the results that are going to be there.
            names: Of those that are not there yet.
        """
        earlier = self._record()
        known = [found.get("sha256", {}) for found in (earlier, record)]
        for name in filter(self._is_no_input, earlier["files"]):
            for path, digest in _hashes([self.path / name], self.path).items():
                if digest not in [digests.get(path) for digests in known]:
                    raise ConfigError(
                        f"{self.path / path}: expected what the last run wrote, found it changed; "
                        "move it away or choose another folder"
                    )
        for place in (self.path / name for name in names):
            if not self._is_no_input(place.name):
                raise ConfigError(
                    f"{place}: expected a place for a result, found an input of this run; choose "
                    "another folder"
                )
            if place.name not in earlier["files"] and (is_there(place) or place.is_symlink()):
                raise ConfigError(
                    f"{place}: expected nothing there or what an earlier run wrote, found "
                    "something else; move it away or choose another folder"
                )

    def _is_no_input(self, name: str) -> bool:
        place = (self.path / name).resolve()
        return not any(place == found or place in found.parents for found in self._inputs)

    def _move(self, names: Sequence[str]) -> None:
        for made in (self.stage / name for name in names):
            target = self.path / made.name
            if is_there(made):
                if target.is_dir() or made.is_dir():
                    _remove(target)
                made.replace(target)
        for name in filter(self._is_no_input, self._record()["files"]):
            if name not in names:
                _remove(self.path / name)
        (self.stage / RECORD_FILE).replace(self.path / RECORD_FILE)

    def _recover(self) -> None:
        """Move on the whole results that an ended run left in ``stage``, remove others."""
        if not is_there(self.stage) and not self.stage.is_symlink():
            return
        is_own = (self.stage / _MARK).is_file() or not any(self.stage.iterdir())
        if self.stage.is_symlink() or not is_own:
            raise ConfigError(
                f"{self.stage}: expected the unfinished files of a run, found others; move them "
                "away or choose another folder"
            )
        if _is_record(self.stage / RECORD_FILE):
            record = read_json(self.stage / RECORD_FILE, ConfigError, _MOST_MEGABYTES)
            # What is in the stage no more was moved by the run that was ended among it.
            names = [name for name in record["files"] if is_there(self.stage / name)]
            self._check_places(record, names)
            self._move(record["files"])
        shutil.rmtree(self.stage)

    def _take(self) -> None:
        lock = Path(self._lock.lock_file)
        if lock.is_symlink() or (is_there(lock) and (not lock.is_file() or lock.stat().st_size)):
            raise ConfigError(
                f"{lock}: expected nothing there or the lock of a run, found something else; move "
                "it away or choose another folder"
            )
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ConfigError(
                f"{self.path}: expected a folder that no other run writes to, found one that does"
            ) from error
        except (NotImplementedError, OSError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            lock.unlink(missing_ok=True)
            tell(f"{self.path}: its file system has no locks; let no other run write to it")

    def _let_go(self) -> None:
        # Before it is unlocked: whoever opened it meanwhile finds that it is gone.
        with suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _record(self) -> dict[str, Any]:
        """That of the last whole run."""
        path = self.path / RECORD_FILE
        if not is_there(path):
            return {"files": []}
        if not _is_record(path):
            raise ConfigError(f"{path}: expected the record of a peftsp run, found another file")
        return read_json(path, ConfigError, _MOST_MEGABYTES)


def _is_record(path: Path) -> bool:
    try:
        record = read_json(path, ConfigError, _MOST_MEGABYTES)
    except ConfigError:
        return False
    names, hashes = record.get("files"), record.get("sha256", {})
    is_one = "peftsp" in record and isinstance(names, list) and isinstance(hashes, dict)
    return is_one and all(map(_is_plain, names or []))


def _hashes(places: Sequence[Path], folder: Path) -> dict[str, str]:
    """SHA-256 of files, and of those in folders, by their paths in a folder."""
    found = {}
    for place in places:
        for path in _files_of(place):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    return found


def _files_of(place: Path) -> Iterator[Path]:
    if place.is_dir() and not place.is_symlink():
        yield from (path for path in sorted(place.rglob("*")) if not path.is_dir())
    elif is_there(place):
        yield place


def _is_plain(name: Any) -> bool:
    # Results lie in the folder itself; nothing elsewhere is ever removed.
    is_name = isinstance(name, str) and name.isprintable() and name == Path(name).name
    return is_name and name not in ("", "..", RECORD_FILE)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
