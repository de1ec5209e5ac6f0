"""How the published reference (PEFT-SP) names its tensors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from peftsp.errors import CheckpointError

_WRAPPERS = re.compile(r"^(module\.)?(base_model\.model\.)?")
_SPELLINGS = (
    ("outputs_to_emissions.", "head.emissions."),
    ("model_seq.esm2.", "backbone."),
    ("model_prompt.prompt_weight_layers.", "backbone.prompts."),
    ("model_prompt.res_mlp.", "backbone.mlps."),
    (".adapter_layer.0.", ".after_attention."),
    (".adapter_layer.1.", ".after_feed_forward."),
    (".module.0.", ".down."),
    (".module.2.", ".up."),
    (".module.3.", ".norm."),
    (".lora_A.default.weight", ".lora_A"),
    (".lora_B.default.weight", ".lora_B"),
)
_MASKS = {
    "crf._constraint_mask": "transitions",
    "crf._constraint_start_mask": "starts",
    "crf._constraint_end_mask": "ends",
}
_BACKBONE = "backbone."
_UNUSED = ("backbone.lm_head.", "backbone.contact_head.")
_FREQUENCIES = ".rot_emb.inv_freq"


@dataclass(frozen=True)
class ReferenceTensors:
    """The tensors of a reference checkpoint, sorted.

    Attributes:
        backbone: Weights of the backbone and of the PEFT method by parameter name.
        rest: Every other weight by `peftsp.model.tagger.Tagger` parameter name.
        masks: The constraint's tables by `peftsp.crf.constraints.Constraints` field.
        frequencies: Angles of the rotary embedding, float, ``(head width / 2,)``, by name.
        unused: Keys of the language model and contact heads, which no prediction needs.
    """

    backbone: dict[str, Tensor]
    rest: dict[str, Tensor]
    masks: dict[str, Tensor]
    frequencies: dict[str, Tensor]
    unused: tuple[str, ...]


def sort_tensors(state: Mapping[str, Tensor], place: str) -> ReferenceTensors:
    """Tell the tensors of a checkpoint apart and give them our names.

    Args:
        state: Tensors by key, as ``state_dict()`` of the reference gives them.
        place: Where they come from, for errors.

    Raises:
        CheckpointError: A key is not spelled as in the reference, or a tensor is there twice.
    """
    sorted_ones = ReferenceTensors({}, {}, {}, {}, tuple(filter(_is_unused, state)))
    for key, tensor in state.items():
        name = model_name(key)
        if _is_unused(key):
            continue
        if name.endswith(_FREQUENCIES):
            group, entry = sorted_ones.frequencies, name
        elif name in _MASKS:
            group, entry = sorted_ones.masks, _MASKS[name]
        elif name.startswith(_BACKBONE):
            group, entry = sorted_ones.backbone, name.removeprefix(_BACKBONE)
        else:
            group, entry = sorted_ones.rest, name
        if reference_key(name) != _bare(key):
            raise CheckpointError(f"{place}: expected tensors of a PEFT-SP model, found {key}")
        if entry in group:
            raise CheckpointError(f"{place}: expected {reference_key(name)} once, found it twice")
        group[entry] = tensor
    return sorted_ones


def model_name(key: str) -> str:
    """What we call a tensor of the reference.

    Both layouts of LoRA layers are understood: that of HF PEFT 0.4, and the later one with
    ``base_layer``.

    >>> model_name("base_model.model.model_seq.esm2.layers.3.self_attn.q_proj.base_layer.bias")
    'backbone.layers.3.self_attn.q_proj.bias'
    """
    name = _bare(key)
    for theirs, ours in _SPELLINGS:
        name = name.replace(theirs, ours)
    return name


def reference_key(name: str) -> str:
    """What the reference calls a tensor of ours, without wrappers.

    >>> reference_key("backbone.layers.3.after_feed_forward.up.bias")
    'model_seq.esm2.layers.3.adapter_layer.1.module.2.bias'
    """
    for theirs, ours in reversed(_SPELLINGS):
        name = name.replace(ours, theirs)
    return name


def _bare(key: str) -> str:
    return _WRAPPERS.sub("", key).replace(".base_layer.", ".")


def _is_unused(key: str) -> bool:
    return model_name(key).startswith(_UNUSED)
