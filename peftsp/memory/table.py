"""An estimate as text."""

from __future__ import annotations

from peftsp.memory.estimate import MemoryEstimate

CARDS = (16, 24, 40, 80)
"""GB of common GPUs."""

_GB = 10**9
_RESERVE = 1 * _GB
_FRAGMENTS = 0.1


def fits(size: int, card: int) -> bool:
    """Whether a card is large enough, with a reserve.

    The reserve is 1 GB for CUDA and its libraries, and a tenth for memory that the allocator cannot
    use. Both are assumptions.

    Args:
        size: Bytes needed.
        card: GB (10⁹ bytes) of the card.

    >>> fits(13 * 10**9, 16), fits(14 * 10**9, 16)
    (True, False)
    """
    return size * (1 + _FRAGMENTS) + _RESERVE <= card * _GB


def format_estimate(estimate: MemoryEstimate, devices: int) -> str:
    """What takes how much, and which cards are large enough.

    Args:
        estimate: For one device.
        devices: How many to share the work out over, two or more.
    """
    step = estimate.step
    rows = [
        *((f"weights, frozen, {kind}", size) for kind, size in estimate.frozen.items()),
        *((f"weights, trained, {kind}", size) for kind, size in estimate.trained.items()),
        *([("moving averages", estimate.averages)] if estimate.averages else []),
        ("gradients", estimate.gradients),
        ("optimizer state", step.optimizer),
        ("activations kept for the backward pass", step.activations),
        ("emission head and CRF", step.head),
        ("short-lived, at the busiest moment", estimate.short_lived),
        ("total", estimate.total),
    ]
    lines = [f"{name:<40}{size / _GB:>9.3f} GB" for name, size in rows]
    sizes = "".join(f"{f'{card} GB':>8}" for card in CARDS)
    lines += ["", f"{'for each device':<40}{'total':>12}{sizes}"]
    lines.append(_line("one device, or several with trainer=ddp", estimate.total))
    sharded = estimate.total_sharded(devices)
    lines.append(_line(f"{devices} devices with trainer=fsdp", sharded))
    return "\n".join(lines)


def _line(name: str, size: int) -> str:
    marks = "".join(f"{'fits' if fits(size, card) else '-':>8}" for card in CARDS)
    return f"{name:<40}{size / _GB:>9.3f} GB{marks}"
