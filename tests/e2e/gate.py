"""A training that waits until it may go on, so that something can happen to it meanwhile."""

import os
import time
from pathlib import Path

from lightning.pytorch import Callback

_OPEN = "open"


class Gate(Callback):
    """Waits before the second epoch.

    Args:
        folder: Gets a file for each training that has come to wait, named as it, with its process.
    """

    def __init__(self, folder):
        self.folder = Path(folder)

    def on_train_epoch_start(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            name = Path(trainer.default_root_dir).name
            (self.folder / f"{name}.partial").write_text(str(os.getpid()))
            (self.folder / f"{name}.partial").replace(self.folder / f"{name}.waits")
            while not (self.folder / _OPEN).exists():
                time.sleep(0.02)


def waiting(folder):
    """Process of each training that has come to wait, by name."""
    return {path.stem: int(path.read_text()) for path in sorted(Path(folder).glob("*.waits"))}


def open_gate(folder):
    """Let all go on, and those that come later."""
    (Path(folder) / _OPEN).touch()
