"""What this machine's processor can do."""

from __future__ import annotations

import torch

_BFLOAT16 = ("avx512_bf16", "amx_bf16")


def multiplies_bfloat16() -> bool:
    """Whether the processor has instructions for products in bfloat16.

    Without, PyTorch is up to eight times as slow in bfloat16 as in float32. Others than those of
    Intel and AMD count as having them, and all where PyTorch does not say.
    """
    can: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return can.get("architecture") != "x86_64" or any(can.get(name) for name in _BFLOAT16)
