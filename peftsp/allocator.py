"""How the C library handles freed memory."""

from __future__ import annotations


def keep_freed_memory() -> None:
    """Keep freed memory for the next tensors instead of giving it back to the system."""
