"""Settings of LoRA as Hugging Face PEFT writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from peftsp.errors import CheckpointError
from peftsp.files import shown
from peftsp.peft.lora import LoRA

_GREATEST_RANK = 2**16
_READ = {"peft_type", "r", "lora_alpha", "lora_dropout", "bias", "init_lora_weights", "use_rslora"}
WITHOUT_EFFECT = {
    "auto_mapping",
    "base_model_name_or_path",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "megatron_core",
    "modules_to_save",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
}
"""Settings that change nothing, or whose effect the tensors tell."""

_STARTS = (True, False, "gaussian", "orthogonal", "eva", "pissa")
"""Ways to draw LoRA weights that leave the model's own as they were, or take what PiSSA takes."""


def lora_of(
    config: Mapping[str, Any], targets: Sequence[str], last_k: int | None, path: Path
) -> LoRA:
    """The method that an ``adapter_config.json`` describes.

    Args:
        config: What the file says.
        targets: Linear layers that the tensors beside it belong to.
        last_k: In how many of the last layers; None for all.
        path: The file, for errors.

    Raises:
        CheckpointError: It is no LoRA, or one with what ours has not.
        ConfigError: A number is out of range.
    """
    checked = dict(config)
    check_lora(checked, path)
    return LoRA(
        checked["r"],
        checked["lora_alpha"],
        checked["lora_dropout"],
        tuple(targets),
        last_k,
        rslora=checked["use_rslora"],
        start="pissa" if checked["init_lora_weights"] == "pissa" else "zero",
    )


def check_lora(config: dict[str, Any], path: Path) -> None:
    """Check that a configuration is one of LoRA as ours can be; give it what it leaves out.

    Args:
        config: Changed in place.
        path: Its file, for errors.

    Raises:
        CheckpointError: It is not.
    """
    expected = {"peft_type": ("LORA",), "bias": ("none",), "init_lora_weights": _STARTS}
    for key, values in expected.items():
        found = config.setdefault(key, values[0])
        if found not in values:
            raise CheckpointError(f"{path}: {key}: expected {values[0]!r}, found {shown(found)}")
    for key, value in config.items():
        if value and key not in _READ | WITHOUT_EFFECT:
            raise CheckpointError(
                f"{path}: {key}: expected plain LoRA without it, found {shown(value)}"
            )
    for key, kind in (("r", int), ("lora_alpha", float), ("lora_dropout", float)):
        found = config.get(key)
        if not isinstance(found, int | kind) or isinstance(found, bool):
            raise CheckpointError(f"{path}: {key}: expected {kind.__name__}, found {shown(found)}")
    if not isinstance(config.setdefault("use_rslora", False), bool):
        found = shown(config["use_rslora"])
        raise CheckpointError(f"{path}: use_rslora: expected bool, found {found}")
    if config["r"] > _GREATEST_RANK:
        raise CheckpointError(
            f"{path}: r: expected at most {_GREATEST_RANK}, found {shown(config['r'])}"
        )
