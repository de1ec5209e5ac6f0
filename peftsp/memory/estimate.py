"""What a training run needs of a GPU's memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from hydra.utils import instantiate
from omegaconf import DictConfig
from torch import Tensor, nn

from peftsp.backbone.checkpoint import empty_backbone, find_dtype
from peftsp.backbone.esm2 import Block
from peftsp.backbone.quantization import NF4Linear
from peftsp.backbone.specs import BackboneSource
from peftsp.errors import ConfigError
from peftsp.memory.step import StepMemory, walk_through
from peftsp.model.settings import build_tagger
from peftsp.model.tagger import Tagger
from peftsp.peft.hf import NEED_WEIGHTS
from peftsp.training.build import build_criterion, model_settings

NF4 = "nf4"

_HALVES = {"32-true": None, "32": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
_GATHERED_BLOCKS = 3


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes that a training run needs on one device.

    Attributes:
        frozen: Of the weights that do not train, by dtype; those in four bits as ``nf4``.
        trained: Of the weights that do, by dtype.
        block: Of the largest transformer block, leaving out what is in four bits.
        step: What comes and goes in a step.
        averages: Of the moving averages of what trains, in float32.
    """

    frozen: dict[str, int]
    trained: dict[str, int]
    block: int
    step: StepMemory
    averages: int

    @property
    def weights(self) -> int:
        """All of them."""
        return sum(self.frozen.values()) + self.gradients

    @property
    def gradients(self) -> int:
        """As much as the weights that train."""
        return sum(self.trained.values())

    @property
    def short_lived(self) -> int:
        """What the busiest moment of a step needs beyond activations, head and CRF."""
        step = self.step
        held = step.activations + step.head
        return max(held, step.backbone, step.update) - held

    @property
    def total(self) -> int:
        """Bytes on the only device, or on each of several under DDP."""
        return self._lasting + self._passing

    def total_sharded(self, devices: int) -> int:
        """Bytes on each of several devices under FSDP2.

        Each has its share of weights, gradients and optimizer state, all of the weights in four
        bits, and room for the blocks that are gathered: one that computes, the next one, and the
        buffer it arrives in.

        Args:
            devices: How many; each takes a batch of its own.
        """
        whole = self.frozen.get(NF4, 0)
        shared = (self._lasting - whole) // devices
        return whole + shared + _GATHERED_BLOCKS * self.block + self._passing

    @property
    def _lasting(self) -> int:
        return self.weights + self.averages + self.gradients + self.step.optimizer

    @property
    def _passing(self) -> int:
        return self.step.activations + self.step.head + self.short_lived


def estimate_memory(cfg: DictConfig) -> MemoryEstimate:
    """Go through a training step without weights and add up what it would hold.

    Args:
        cfg: As composed from ``conf/train.yaml``.

    Raises:
        ConfigError: A setting is wrong, or the precision is none that can be told the memory of.
    """
    precision = str(cfg.trainer.precision)
    if precision not in _HALVES:
        raise ConfigError(
            f"trainer.precision: expected one of {', '.join(_HALVES)}, found {precision}"
        )
    tagger = outline(cfg)
    frozen = _bytes_by_dtype(p for p in tagger.parameters() if not p.requires_grad)
    in_nf4 = [t for m in tagger.modules() if isinstance(m, NF4Linear) for t in m.buffers()]
    if in_nf4:
        frozen[NF4] = sum(tensor.nbytes for tensor in in_nf4)
    trained = _bytes_by_dtype(p for p in tagger.parameters() if p.requires_grad)
    blocks = [_size(module) for module in tagger.modules() if isinstance(module, Block)]
    step = walk_through(
        tagger,
        instantiate(cfg.optimizer),
        build_criterion(cfg),
        cfg.data.batch_size,
        _HALVES[precision],
    )
    numbers = sum(p.numel() for p in tagger.parameters() if p.requires_grad)
    averages = torch.float32.itemsize * numbers if cfg.callbacks.get("averaging") else 0
    return MemoryEstimate(frozen, trained, max(blocks), step, averages)


def outline(cfg: DictConfig) -> Tagger:
    """The model of a configuration, its backbone without weights, on the meta device.

    Raises:
        ConfigError: A setting is wrong.
    """
    method, head, crf = model_settings(cfg)
    kind = method.settings().get("kind")
    if kind in NEED_WEIGHTS:
        raise ConfigError(
            f"peft.kind: expected a method that can be gone through without weights, found {kind}"
        )
    settings = cfg.backbone
    source = BackboneSource(instantiate(settings.spec), quantization=settings.quantization)
    backbone = empty_backbone(source, settings.activation_checkpointing)
    for parameter in backbone.parameters():
        parameter.data = parameter.data.to(find_dtype(settings.dtype))
    return build_tagger(backbone, method, head, crf)


def _bytes_by_dtype(tensors: Iterable[Tensor]) -> dict[str, int]:
    sizes: Counter[str] = Counter()
    for tensor in tensors:
        sizes[str(tensor.dtype).removeprefix("torch.")] += tensor.nbytes
    return dict(sizes)


def _size(module: nn.Module) -> int:
    return sum(parameter.nbytes for parameter in module.parameters())
