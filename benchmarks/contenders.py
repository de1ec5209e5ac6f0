"""All contenders by name."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.contender import Contender
from benchmarks.machine import cpu_facts
from benchmarks.ours import Ours, Switches
from benchmarks.workload import Workload
from peftsp.errors import ConfigError

REFERENCE, HUGGING_FACE, PEFTSP = "reference", "hugging_face", "peftsp"
TRAIN, PREDICT = "train", "predict"


@dataclass(frozen=True)
class Entry:
    """One contender.

    Attributes:
        title: What it is, in a few words.
        modes: In what it takes part.
        switches: For peftsp; None for the others.
    """

    title: str
    modes: tuple[str, ...]
    switches: Switches | None = None

    @property
    def precision(self) -> str:
        """``fp32``, ``bf16`` or ``int8``."""
        return self.switches.precision if self.switches else "fp32"

    @property
    def exactness(self) -> str:
        """The least precise that it computes with or keeps, ``fp16`` among them."""
        return "fp16" if self.keeps_prefix and self.precision == "fp32" else self.precision

    @property
    def keeps_prefix(self) -> bool:
        """Whether frozen layers are computed once only."""
        return self.switches is not None and self.switches.keeps_prefix

    @property
    def keeps_freed_memory(self) -> bool:
        """Whether its process does not give freed memory back to the system at once."""
        return self.switches is not None and not self.switches.returns_memory

    def fits(self, mode: str, method: str) -> bool:
        """Whether it takes part; with LoRA in all layers there is no frozen prefix."""
        return mode in self.modes and not (self.keeps_prefix and method == "lora")


_BOTH = (TRAIN, PREDICT)

ENTRIES: dict[str, Entry] = {
    REFERENCE: Entry("fair-esm with LM head, full-table CRF, decoding in each step", _BOTH),
    HUGGING_FACE: Entry("EsmModel (SDPA), PEFT, pytorch-crf", _BOTH),
    PEFTSP: Entry("peftsp as it is", _BOTH, Switches()),
    "peftsp-full-table": Entry("CRF over the full table", _BOTH, Switches(has_full_table=True)),
    "peftsp-one-path": Entry(
        "the objective of pytorch-crf", (TRAIN,), Switches(trains_one_path=True)
    ),
    "peftsp-checkpointing": Entry("recomputes activations", (TRAIN,), Switches(checkpoints=True)),
    "peftsp-prefix": Entry("keeps frozen layers' output", (TRAIN,), Switches(keeps_prefix=True)),
    "peftsp-returning": Entry("gives freed memory back", _BOTH, Switches(returns_memory=True)),
    "peftsp-bf16": Entry("backbone in bfloat16", _BOTH, Switches(precision="bf16")),
    "peftsp-bf16-prefix": Entry(
        "both of these", (TRAIN,), Switches(precision="bf16", keeps_prefix=True)
    ),
    "peftsp-int8": Entry("backbone in 8-bit integers", (PREDICT,), Switches(precision="int8")),
}


def build(name: str, workload: Workload, device: torch.device, mode: str) -> Contender:
    """A contender with the weights of a workload, in evaluation mode."""
    if name == REFERENCE:
        from benchmarks.reference import Reference

        return Reference(workload, device)
    if name == HUGGING_FACE:
        from benchmarks.hugging_face import HuggingFace

        return HuggingFace(workload, device, is_merged=mode == PREDICT)
    switches = ENTRIES[name].switches
    assert switches is not None
    return Ours(workload, device, mode == TRAIN, switches)


def choose(names: Sequence[str] | None, device: torch.device) -> tuple[list[str], dict[str, str]]:
    """The contenders that are to run, and why others are not.

    Args:
        names: The wanted ones; they run whatever the machine has. None for all that it has
            arithmetic for.
        device: Where they compute.

    Raises:
        ConfigError: A name is unknown.
    """
    unknown = [name for name in names or () if name not in ENTRIES]
    if unknown:
        raise ConfigError(
            f"--contenders: expected some of {', '.join(ENTRIES)}, found {', '.join(unknown)}"
        )
    if names:
        return list(names), {}
    skipped = {}
    for name, entry in ENTRIES.items():
        if entry.precision == "bf16" and not has_bfloat16(device):
            skipped[name] = "this processor has no bfloat16 products (avx512_bf16, amx_bf16)"
        if entry.precision == "int8" and device.type != "cpu":
            skipped[name] = "8-bit integers are for CPUs only"
        if entry.switches and entry.switches.returns_memory and device.type != "cpu":
            skipped[name] = "the C library's memory is for CPUs only"
    return [name for name in ENTRIES if name not in skipped], skipped


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 in hardware."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    if device.type != "cpu" or platform.machine() == "arm64":
        return True
    return bool({"avx512_bf16", "amx_bf16", "bf16"} & set(cpu_facts("flags", "Features").split()))
