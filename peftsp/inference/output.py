"""The folder of a run's results."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from peftsp.errors import ConfigError
from peftsp.files import is_there, read_json
from peftsp.inference.writing import writing_to

RUN_FILE = "run.json"
_STAGE = ".unfinished"
_LOCK = ".lock"


class OutputFolder:
    """Results of a run, which take the place of an earlier run's when all of them are whole.

    In the block, files are made in the folder ``stage``; what is left there goes at its end.
    ``run.json`` in the folder itself lists the results of the last whole run. One run has the
    folder at a time; the system lets go of it when a run is killed.

    Args:
        path: The folder; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.stage = path / _STAGE
        self._lock = FileLock(path / _LOCK, blocking=False)

    def __enter__(self) -> Self:
        with writing_to(self.path):
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except (FileExistsError, NotADirectoryError) as error:
                raise ConfigError(f"{self.path}: expected a folder, found a file") from error
            self._take()
            try:
                self._listed()
                _remove(self.stage)
                self.stage.mkdir()
            except BaseException:
                self._let_go()
                raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        shutil.rmtree(self.stage, ignore_errors=True)
        self._let_go()

    def publish(self, made: Sequence[Path], record: dict[str, Any]) -> tuple[Path, ...]:
        """Move results out of ``stage``, and remove what only the earlier run's ``run.json`` lists.

        Args:
            made: Files and folders in ``stage``.
            record: JSON-compatible, with the key ``peftsp``; goes into ``run.json`` with the list
                of ``files``.

        Returns:
            Where the results are now.

        Raises:
            ConfigError: They cannot be written.
        """
        names = [path.name for path in made]
        with writing_to(self.path):
            written = self.stage / RUN_FILE
            text = json.dumps({**record, "files": names}, indent=2)
            written.write_text(text + "\n", encoding="utf-8")
            stale = [name for name in self._listed() if name not in names]
            for path in made:
                target = self.path / path.name
                if target.is_dir() or path.is_dir():
                    _remove(target)
                path.replace(target)
            for name in stale:
                _remove(self.path / name)
            written.replace(self.path / RUN_FILE)
        return tuple(self.path / name for name in names)

    def _take(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise ConfigError(
                f"{self.path}: expected a folder that no other run writes to, found one that does"
            ) from error

    def _let_go(self) -> None:
        # Before it is unlocked: whoever opened it meanwhile finds that it is gone.
        with suppress(OSError):
            Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _listed(self) -> list[str]:
        """Names of the last whole run's results."""
        path = self.path / RUN_FILE
        if not is_there(path):
            return []
        try:
            record = read_json(path, ConfigError)
        except ConfigError:
            record = {}
        names = record.get("files") if "peftsp" in record else None
        if not isinstance(names, list) or not all(map(_is_plain, names)):
            raise ConfigError(f"{path}: expected the record of a peftsp run, found another file")
        return names


def _is_plain(name: Any) -> bool:
    # Results lie in the folder itself; nothing elsewhere is ever removed.
    return isinstance(name, str) and name == Path(name).name and name not in ("", "..", RUN_FILE)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
