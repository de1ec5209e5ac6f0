"""What the first blocks of a backbone make of sequences, kept on disk and read from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from peftsp.backbone.esm2 import ESM2
from peftsp.backbone.tensor_files import write_safetensors
from peftsp.durable import put_in_place
from peftsp.errors import PrefixStoreError

VERSION = 1
_ENDING = ".safetensors"
_PARTIAL = ".partial"
_KEY_BYTES = 16


class PrefixStore:
    """Hidden states after the first blocks of a backbone, by token sequence.

    They lie in shards, safetensors files that appear whole or not at all and are read by mapping
    them into memory. Half precision is taken wherever it holds the values. Several processes may
    read while one writes.

    Args:
        root: Folder of all stores; each has one of its own in it, named by `identity`.
        encoder: Whose states these are.
        layers: How many first blocks; at least one.

    Attributes:
        layers: The same.
        folder: Where the shards lie, which need not exist yet.
    """

    def __init__(self, root: Path, encoder: ESM2, layers: int) -> None:
        self.layers = layers
        self._width = encoder.spec.width
        self._metadata = {"identity": identity(encoder, layers)}
        digest = hashlib.sha256(self._metadata["identity"].encode()).hexdigest()
        self.folder = root / f"{encoder.spec.name}-layer{layers}-{digest[:16]}"
        self._states: dict[bytes, Tensor] = {}

    def read(self) -> list[str]:
        """Map the shards that are there now.

        Returns:
            A line for each that is no shard of this store; it is passed over.
        """
        self._states = {}
        refused = []
        for path in sorted(self.folder.glob(f"*{_ENDING}")):
            try:
                self._states |= self._read_shard(path)
            except PrefixStoreError as error:
                refused.append(str(error))
        return refused

    def missing(self, sequences: Iterable[Tensor]) -> list[Tensor]:
        """Those of which there are no states, each once, the shortest first.

        Args:
            sequences: Any integer type, ``(T,)`` each; tokens with ``<cls>`` and ``<eos>``.
        """
        unknown = {key: tokens for tokens in sequences if (key := _key(tokens)) not in self._states}
        return sorted(unknown.values(), key=len)

    def write(self, sequences: Sequence[Tensor], states: Sequence[Tensor]) -> None:
        """Keep a shard; what was left of one that was being written is removed.

        Args:
            sequences: Tokens, ``(T,)`` each, without padding.
            states: float, ``(T, D)``, of each.

        Raises:
            OSError: The disk is full or cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(f"*{_PARTIAL}"):
            left.unlink()
        rows = torch.cat(list(states)).cpu()
        half = rows.half()
        keys = b"".join(map(_key, sequences))
        shard = {
            "states": half if half.isfinite().all() else rows,
            "lengths": torch.tensor([len(tokens) for tokens in sequences]),
            "keys": torch.frombuffer(bytearray(keys), dtype=torch.uint8),
        }
        path = self.folder / f"{hashlib.sha256(keys).hexdigest()[:16]}{_ENDING}"
        partial = path.with_suffix(_PARTIAL)
        write_safetensors(shard, partial, self._metadata)
        put_in_place(partial, path)

    def look_up(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """States of a batch.

        Args:
            tokens: int64, ``(B, T)``.
            mask: bool, ``(B, T)``, True at real tokens, which come first.

        Returns:
            float32, ``(B, T, D)``, on the CPU, zero at padding.

        Raises:
            PrefixStoreError: A sequence is not in the store.
        """
        lengths = mask.sum(dim=1).tolist()
        rows = tokens.to("cpu", torch.uint8)
        out = torch.zeros(*tokens.shape, self._width, dtype=torch.float32)
        for index, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            states = self._states.get(_key(row[:length]))
            if states is None:
                raise PrefixStoreError(
                    f"{self.folder}: expected states of every sequence, found none of one of "
                    f"{length} tokens"
                )
            out[index, :length] = states
        return out

    def size_of(self, sequences: Iterable[Tensor]) -> int:
        """Bytes that the states of sequences take in half precision."""
        return 2 * self._width * sum(map(len, sequences))

    @property
    def size(self) -> int:
        """Bytes of the shards that are there now."""
        return sum(path.stat().st_size for path in self.folder.glob(f"*{_ENDING}"))

    def _read_shard(self, path: Path) -> dict[bytes, Tensor]:
        try:
            with safe_open(path, "pt") as file:
                if file.metadata() != self._metadata:
                    raise PrefixStoreError(
                        f"{path}: expected a shard of this store, found {file.metadata()}"
                    )
                states, lengths, keys = map(file.get_tensor, ("states", "lengths", "keys"))
        except SafetensorError as error:
            raise PrefixStoreError(
                f"{path}: expected a whole shard, found a file that cannot be read as one ({error})"
            ) from error
        names = keys.numpy().tobytes()
        return {
            names[_KEY_BYTES * i : _KEY_BYTES * (i + 1)]: rows
            for i, rows in enumerate(states.split(lengths.tolist()))
        }


def identity(encoder: ESM2, layers: int) -> str:
    """All that decides what the first blocks of a backbone give, as JSON."""
    spec = encoder.spec
    return json.dumps(
        {
            "version": VERSION,
            "backbone_sha256": encoder.content_hash,
            "heads": spec.heads,
            "half_rotary": spec.half_rotary,
            "dtype": str(encoder.embed_tokens.weight.dtype),
            "quantization": encoder.source.quantization,
            "layers": layers,
        }
    )


def _key(tokens: Tensor) -> bytes:
    content = tokens.to(torch.uint8).numpy().tobytes()
    return hashlib.blake2b(content, digest_size=_KEY_BYTES).digest()
