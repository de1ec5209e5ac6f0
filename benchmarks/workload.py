"""What every contender is given: the same weights, the same proteins, the same task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec, published_spec
from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.data.batch import LabelledBatch, collate_labelled
from peftsp.data.dataset import LabelledDataset
from peftsp.data.synthetic import FEWEST, SyntheticProteins
from peftsp.errors import ConfigError
from peftsp.labels import MAX_RESIDUES, STATES
from peftsp.peft.base import PeftMethod
from peftsp.peft.frozen import Frozen
from peftsp.peft.lora import LoRA

CONF = Path(__file__).resolve().parents[1] / "conf"
METHODS = ("lora", "lora_last2", "frozen")
SIZES = ("tiny", "8m", "35m", "150m", "650m", "3b")
FORBIDDEN = -1e4
"""Score of a forbidden step in a full table: too low to count, and small beside float32's range."""


class Task(NamedTuple):
    """A batch and one legal path for it.

    Attributes:
        batch: The proteins and the states that their residues may be in.
        paths: int64, ``(B, L)``; one path within those states, 0 at padding.
    """

    batch: LabelledBatch
    paths: Tensor


@dataclass(frozen=True)
class Workload:
    """One model, in tensors.

    Attributes:
        spec: Sizes of the backbone.
        method: What trains in it.
        backbone: Tensors by `peftsp.backbone.esm2.ESM2` parameter name.
        adapter: A and B of each update, by parameter name within the backbone; B is not zero.
        head_weight: float32, ``(C, D)``.
        head_bias: float32, ``(C,)``.
        transitions: float32, ``(C, C)``; `FORBIDDEN` where a step is not allowed.
        starts: float32, ``(C,)``; the same for starts.
        ends: float32, ``(C,)``; the same for ends.
    """

    spec: BackboneSpec
    method: PeftMethod
    backbone: dict[str, Tensor]
    adapter: dict[str, Tensor]
    head_weight: Tensor
    head_bias: Tensor
    transitions: Tensor
    starts: Tensor
    ends: Tensor


def make_workload(size: str, method_name: str, seed: int = 0) -> Workload:
    """Draw the weights of a model of a published size.

    Args:
        size: One of `SIZES`.
        method_name: One of `METHODS`.
        seed: Seed of all weights.
    """
    spec, method = find_spec(size), find_method(method_name)
    generator = torch.Generator().manual_seed(seed)
    backbone = load_backbone(spec, "random", seed).state_dict()
    # As wide as trained updates are beside their weights.
    adapter = {
        name: 0.05 * torch.randn(_update_shape(name, method, spec), generator=generator)
        for name in sorted(method.parameter_names(spec))
    }
    allowed = constraint_table("peftsp")
    tables = (
        torch.randn(flags.shape, generator=generator).masked_fill(~flags, FORBIDDEN)
        for flags in (allowed.transitions, allowed.starts, allowed.ends)
    )
    head = torch.randn(len(STATES), spec.width, generator=generator) / spec.width**0.5
    return Workload(
        spec,
        method,
        {name: tensor.detach() for name, tensor in backbone.items()},
        adapter,
        head,
        torch.randn(len(STATES), generator=generator),
        *tables,
    )


def find_spec(size: str) -> BackboneSpec:
    """Sizes of an ESM-2 with exact rotary frequencies, which all contenders compute alike.

    Raises:
        ConfigError: There is no such size.
    """
    if size not in SIZES:
        raise ConfigError(f"--sizes: expected some of {', '.join(SIZES)}, found {size!r}")
    if size == "tiny":
        return BackboneSpec("tiny", layers=3, width=32, heads=4)
    return replace(published_spec(f"esm2_{size}"), half_rotary=False)


def find_method(name: str) -> PeftMethod:
    """A PEFT method with the settings of ``conf/peft``.

    Raises:
        ConfigError: There is no such method.
    """
    if name not in METHODS:
        raise ConfigError(f"--methods: expected some of {', '.join(METHODS)}, found {name!r}")
    if name == "frozen":
        return Frozen()
    settings = OmegaConf.load(CONF / "peft" / "lora.yaml")
    last_k = 2 if name == "lora_last2" else None
    method: PeftMethod = instantiate(settings, last_k=last_k, _convert_="all")
    return method


def tasks(batch_size: int, device: torch.device, seed: int) -> Iterator[Task]:
    """Endless batches of proteins of 70 residues."""
    while True:
        records = SyntheticProteins(max(FEWEST, 2 * batch_size), seed).load()
        long = [record for record in records if len(record.residues) == MAX_RESIDUES]
        yield _task(long[:batch_size], device)
        seed += 1


def uneven_task(batch_size: int, device: torch.device) -> Task:
    """A batch with padding in it, on which results are compared."""
    records = sorted(SyntheticProteins(FEWEST, seed=0).load(), key=lambda r: len(r.residues))
    half = batch_size // 2
    return _task(records[: batch_size - half] + records[len(records) - half :], device)


def _task(records: list, device: torch.device) -> Task:
    dataset = LabelledDataset(records)
    batch = collate_labelled([dataset[index] for index in range(len(records))])
    crf = LinearChainCRF(constraint_table("peftsp"))
    emissions = torch.zeros(batch.allowed.shape)
    with torch.no_grad():
        paths = crf.decode(
            emissions, batch.residue_mask, batch.allowed | ~batch.residue_mask[..., None]
        )
    return Task(batch.to(device), paths.clamp(min=0).to(device))


def _update_shape(name: str, method: PeftMethod, spec: BackboneSpec) -> tuple[int, int]:
    assert isinstance(method, LoRA)
    is_first = name.endswith("lora_A")
    place = name.split(".")[-2]
    features = {"fc1": (spec.width, 4 * spec.width), "fc2": (4 * spec.width, spec.width)}
    inner, outer = features.get(place, (spec.width, spec.width))
    return (method.rank, inner) if is_first else (outer, method.rank)
