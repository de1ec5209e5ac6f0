"""Outputs of frozen first layers, computed once for all epochs, folds and runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from tqdm import tqdm

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.prefix_store import PrefixStore
from peftsp.data.batch import collate_tokens
from peftsp.data.datamodule import SignalPeptideData
from peftsp.errors import ConfigError
from peftsp.training.module import SignalPeptideModule

_SHARD = 1024
"""Sequences a file: no more are lost when a run is stopped while it computes."""

_BATCH = 32
_LOCK, _USED = ".lock", ".used"
_STORE = re.compile(r".+-layer\d+-[0-9a-f]{16}")


class PrefixCache(Callback):
    """Takes the outputs of frozen first layers from disk.

    What is not there yet is computed before the first epoch, for the proteins of all splits, so
    that other folds find it too. Where nothing can be kept the run does without, and says why.

    Args:
        folder: Of all stores; see `peftsp.backbone.prefix_store.PrefixStore`.
        gigabytes: What all stores may take (10⁹ bytes); for a new one those that have not been used
            for longest are removed.

    Raises:
        ConfigError: The number is negative.
    """

    def __init__(self, folder: str, gigabytes: float) -> None:
        if gigabytes < 0:
            raise ConfigError(
                f"callbacks.prefix_cache.gigabytes: expected 0 or more, found {gigabytes}"
            )
        self.root = Path(folder)
        self.limit = int(gigabytes * 10**9)
        self._used: Path | None = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Fill the store and let the backbone read it."""
        assert isinstance(pl_module, SignalPeptideModule)
        tagger = pl_module.tagger
        layers = tagger.method.frozen_prefix(tagger.backbone.spec)
        if not layers:
            return
        if pl_module.hidden_residues:
            _say("not used, augmentation.hidden_residues changes the sequences at every step")
            return
        if pl_module.device_mesh is not None:
            _say("not used, the backbone is shared out over processes")
            return
        [encoder] = (module for module in tagger.backbone.modules() if isinstance(module, ESM2))
        store = PrefixStore(self.root, encoder, layers)
        data = trainer.datamodule  # type: ignore[attr-defined]
        assert isinstance(data, SignalPeptideData)
        has_bar = trainer.progress_bar_callback is not None
        try:
            is_whole = _fill(store, encoder, data.sequences(), has_bar, self.limit)
        except OSError as error:
            _say(f"not used, {error}")
            return
        if is_whole:
            encoder.known_prefix = store
            self._used = store.folder / _USED

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Show other runs that the store is in use, which decides what they remove first."""
        if self._used is not None:
            with suppress(OSError):
                self._used.touch()


def _fill(
    store: PrefixStore, encoder: ESM2, sequences: Sequence[Tensor], has_bar: bool, limit: int
) -> bool:
    """Whether the store has all sequences now; False where the disk has no room for them."""
    store.folder.mkdir(parents=True, exist_ok=True)
    with _locked(store.folder / _LOCK):
        for line in store.read():
            _say(line)
        (store.folder / _USED).touch()
        missing = store.missing(sequences)
        size = store.size_of(missing)
        if missing and not _make_room(store, size, limit):
            return False
        free = shutil.disk_usage(store.folder).free
        if size > 0.9 * free:
            _say(f"not used, {store.folder} would take {_show(size)}, the disk has {_show(free)}")
            return False
        if missing:
            _say(f"computing {len(missing):,} proteins for {store.folder}")
            _compute(store, encoder, missing, has_bar)
            store.read()
    _say(f"{store.layers} of {encoder.spec.layers} layers from {store.folder}, {_show(store.size)}")
    return True


def _make_room(store: PrefixStore, size: int, limit: int) -> bool:
    """Remove other stores until one more of a size fits; False where it cannot."""
    needed = store.size + size
    if needed <= limit:
        others = (path for path in store.folder.parent.iterdir() if _STORE.fullmatch(path.name))
        sizes = {path: _size(path) for path in others if path != store.folder}
        for path in sorted(sizes, key=_used_at):
            if needed + sum(sizes.values()) <= limit:
                break
            if _remove(path):
                _say(f"removed {path}, {_show(sizes.pop(path))}, unused for longest")
        needed += sum(sizes.values())
    if needed > limit:
        _say(
            f"not used, {store.folder} would make it {_show(needed)}, "
            f"callbacks.prefix_cache.gigabytes allows {_show(limit)}"
        )
    return needed <= limit


def _remove(folder: Path) -> bool:
    """Whether nobody fills a store; who reads it has it mapped and keeps what is removed."""
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        with lock:
            shutil.rmtree(folder)
    except Timeout:
        return False
    return True


def _used_at(folder: Path) -> float:
    used = folder / _USED
    return used.stat().st_mtime if used.exists() else 0.0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def _compute(store: PrefixStore, encoder: ESM2, sequences: Sequence[Tensor], has_bar: bool) -> None:
    device = encoder.embed_tokens.weight.device
    # Given None, tqdm shows itself in a terminal only.
    disable = None if has_bar else True
    with tqdm(total=len(sequences), desc="prefix cache", disable=disable) as bar:
        for shard in _parts(sequences, _SHARD):
            states: list[Tensor] = []
            for part in _parts(shard, _BATCH):
                batch = collate_tokens(part).to(device)
                hidden = encoder.run_prefix(batch.tokens, batch.mask, store.layers).cpu()
                states += (rows[: len(tokens)] for rows, tokens in zip(hidden, part, strict=True))
                bar.update(len(part))
            store.write(shard, states)


def _parts(sequences: Sequence[Tensor], size: int) -> Iterator[Sequence[Tensor]]:
    return (sequences[start : start + size] for start in range(0, len(sequences), size))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _say(f"waiting for another process that fills {path.parent}")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _show(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.1f} MB"


@rank_zero_only
def _say(line: str) -> None:
    print(f"prefix cache: {line}")
