"""In which layers the tensors of a PEFT method lie."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from peftsp.backbone.specs import BackboneSpec
from peftsp.errors import CheckpointError
from peftsp.peft.base import LINEAR_PLACES

_PLACES = "|".join(map(re.escape, LINEAR_PLACES.values()))
_LORA = re.compile(rf"layers\.(\d+)\.({_PLACES})\.lora_[AB]")


def is_lora(name: str) -> bool:
    """Whether a backbone parameter belongs to a LoRA update.

    >>> is_lora("layers.3.self_attn.q_proj.lora_A"), is_lora("layers.3.fc1.weight")
    (True, False)
    """
    return _LORA.fullmatch(name) is not None


def lora_extent(
    names: Iterable[str], spec: BackboneSpec, place: str
) -> tuple[tuple[str, ...], int]:
    """The linear layers that have a LoRA update.

    Args:
        names: Parameters of a backbone; others than LoRA's are passed over.
        spec: The backbone's sizes.
        place: Where the parameters come from, for errors.

    Returns:
        Settings ``target_modules`` and ``last_k`` of `peftsp.peft.lora.LoRA`.

    Raises:
        CheckpointError: There are none, they differ between layers, or the layers are not the last.

    >>> names = ["layers.5.fc1.lora_A", "layers.5.fc1.lora_B"]
    >>> lora_extent(names, BackboneSpec("x", layers=6, width=8, heads=2), "x.pt")
    (('fc1',), 1)
    """
    targets: defaultdict[int, set[str]] = defaultdict(set)
    for match in filter(None, map(_LORA.fullmatch, names)):
        targets[int(match[1])].add(match[2])
    if not targets:
        raise CheckpointError(f"{place}: expected LoRA in some layer, found none")
    last_k = count_last_layers(targets, spec, "LoRA", place)
    expected = targets[spec.layers - 1]
    for layer, found in sorted(targets.items()):
        if found != expected:
            wanted, others = (", ".join(_names(places)) for places in (expected, found))
            raise CheckpointError(
                f"{place}: expected LoRA on {wanted} in layer {layer} as in layer "
                f"{spec.layers - 1}, found it on {others}"
            )
    return _names(expected), last_k


def count_last_layers(layers: Iterable[int], spec: BackboneSpec, kind: str, place: str) -> int:
    """How many of the last layers there are.

    Args:
        layers: Indices of layers, at least one.
        spec: The backbone's sizes.
        kind: What the layers have, for errors.
        place: Where they come from, for errors.

    Raises:
        CheckpointError: They are not just the last layers.

    >>> count_last_layers({4, 5}, BackboneSpec("x", layers=6, width=8, heads=2), "LoRA", "x.pt")
    2
    """
    found = sorted(set(layers))
    if found != list(range(spec.layers - len(found), spec.layers)):
        raise CheckpointError(
            f"{place}: expected {kind} in the last layers of {spec.layers}, counted from 0, found "
            f"{kind} in {', '.join(map(str, found))}"
        )
    return len(found)


def _names(places: set[str]) -> tuple[str, ...]:
    return tuple(name for name, place in LINEAR_PLACES.items() if place in places)
