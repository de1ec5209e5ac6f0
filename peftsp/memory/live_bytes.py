"""How many bytes of tensors are alive, and were at most."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the memory of all tensors that are made while it is on, by forward or backward pass.

    A memory block counts once, however many tensors show it, until the last of them is gone. On the
    meta device, where tensors have sizes and no memory, it tells what another device would hold.

    Args:
        known: Tensors that exist and do not count.

    Attributes:
        now: Bytes alive.
        peak: The most there were.
    """

    def __init__(self, known: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = 0
        self.peak = 0
        # Kept, since what takes the place of a block that is gone would have its number.
        self._known = [tensor.untyped_storage() for tensor in known]
        self._seen = {id(storage) for storage in self._known}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, Tensor):
                self._count(leaf)
        return out

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        number, size = id(storage), storage.nbytes()
        if number in self._seen:
            return
        self._seen.add(number)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, number, size)

    def _forget(self, number: int, size: int) -> None:
        self._seen.discard(number)
        self.now -= size
