"""Methods that Hugging Face PEFT has injected, as adapter folders of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.hugging_face import THEIR_MODULES
from peftsp.backbone.tensor_files import write_safetensors
from peftsp.model.bundle import Bundle
from peftsp.peft.bitfit import BitFit
from peftsp.peft.hf import PLACES, HuggingFace

_BLOCK_PART = re.compile(
    r"layers\.(\d+)\.(" + "|".join(map(re.escape, sorted(PLACES.values()))) + r")(?=\.|$)"
)


def export_injected(bundle: Bundle, method: HuggingFace, folder: Path) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors`` for an ``EsmModel``.

    Args:
        bundle: Of the method.
        method: That of the bundle.
        folder: Made if need be; an adapter in it is replaced.

    Raises:
        CheckpointError: The backbone's weights, from which some methods start, are not there.
    """
    from peft import get_peft_model_state_dict

    source = bundle.backbone
    backbone = load_backbone(source.spec, source.checkpoint, source.seed)
    adapted = method.apply(backbone)
    names = method.parameter_names(source.spec)
    trained = {name: bundle.weights[f"backbone.{name}"] for name in names}
    adapted.load_state_dict(trained, strict=False)
    tensors = get_peft_model_state_dict(adapted)
    config = method.config(method.layers(source.spec))
    for option in method.modules:
        if getattr(config, option, None):
            setattr(config, option, [their_name(name) for name in getattr(config, option)])
    config.inference_mode = True
    is_published = source.spec.release is not None and source.checkpoint is None
    config.base_model_name_or_path = f"facebook/{source.spec.release}" if is_published else None
    folder.mkdir(parents=True, exist_ok=True)
    config.save_pretrained(str(folder))
    # Clones, since layers of some methods share tensors, which a file of tensors cannot.
    theirs = {f"base_model.model.{their_name(k)}": t.clone() for k, t in tensors.items()}
    write_safetensors(theirs, folder / "adapter_model.safetensors")


def as_beft(bundle: Bundle, method: BitFit) -> tuple[Bundle, HuggingFace]:
    """A bundle with BitFit as one with BEFT, by which name Hugging Face PEFT has the same."""
    options = {"target_modules": list(method.target_modules)}
    shifts = {f"backbone.{name}" for name in method.parameter_names(bundle.backbone.spec)}
    weights = {
        name.removesuffix("shift") + "beft_bias.default" if name in shifts else name: (
            tensor[None] if name in shifts else tensor
        )
        for name, tensor in bundle.weights.items()
    }
    theirs = HuggingFace("BEFT", options, method.last_k, identity=True)
    return replace(bundle, peft=theirs.settings(), weights=weights), theirs


def their_name(name: str) -> str:
    """The name of a block's part, or of a tensor in it, as ``EsmModel`` has it.

    >>> their_name("layers.3.fc1.lora_A.weight")
    'encoder.layer.3.intermediate.dense.lora_A.weight'
    """
    return _BLOCK_PART.sub(lambda m: f"encoder.layer.{m[1]}.{THEIR_MODULES[m[2]]}", name)
