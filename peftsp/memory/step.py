"""A training step gone through without its weights, and the memory that it takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from peftsp.backbone.contract import Backbone
from peftsp.data.batch import LabelledBatch, collate_labelled
from peftsp.data.dataset import LabelledDataset
from peftsp.data.synthetic import FEWEST, SyntheticProteins
from peftsp.labels import MAX_RESIDUES
from peftsp.loss.criterion import Criterion
from peftsp.memory.gpu_arithmetic import compute_as_a_gpu
from peftsp.memory.live_bytes import LiveBytes
from peftsp.model.tagger import Tagger
from peftsp.training.module import SignalPeptideModule
from peftsp.training.rates import OptimizerFactory
from peftsp.training.schedules import constant


@dataclass(frozen=True)
class StepMemory:
    """Bytes beside weights and gradients.

    Attributes:
        activations: Of the backbone, kept for the backward pass, and its output.
        head: Most that emission head, CRF and loss hold at a time, forward and backward.
        backbone: Most that the forward and backward pass through the backbone hold at a time,
            activations included.
        optimizer: State of the optimizer.
        update: Most that the optimizer holds for a moment.
    """

    activations: int
    head: int
    backbone: int
    optimizer: int
    update: int


def walk_through(
    tagger: Tagger,
    optimizer: OptimizerFactory,
    criterion: Criterion,
    batch_size: int,
    half: torch.dtype | None,
) -> StepMemory:
    """Go through a training step of a model whose backbone is on the meta device.

    The batch is of proteins of 70 residues. Head and CRF, which are small,
    are really computed.

    Args:
        tagger: The model; of no use afterwards.
        optimizer: Makes the optimizer.
        criterion: What is minimised.
        batch_size: Proteins a step.
        half: Dtype of products under autocasting; None without.
    """
    batch = _made_up_batch(batch_size)
    tokens, mask = batch.tokens.to("meta"), batch.mask.to("meta")
    trained = [p for p in tagger.parameters() if p.requires_grad]
    for parameter in trained:
        # From the second step on they are there before the forward pass begins.
        parameter.grad = torch.zeros_like(parameter)
    adapted = tagger.train().backbone
    compute_as_a_gpu(adapted, half)
    live = LiveBytes(_tensors_of(adapted))
    with live:
        residues = adapted(tokens, mask)
        activations = live.now
        if residues.requires_grad:
            torch.autograd.backward([residues], [torch.empty_like(residues)])
    head = _head_memory(tagger, batch, residues.dtype, criterion)
    state, update = _update_memory(optimizer, trained)
    return StepMemory(activations, head, live.peak, state, update)


def _head_memory(
    tagger: Tagger, batch: LabelledBatch, dtype: torch.dtype, criterion: Criterion
) -> int:
    shape = (*batch.residue_mask.shape, tagger.backbone.spec.width)
    residues = torch.zeros(shape, dtype=dtype, requires_grad=True)
    given = _Given(tagger.backbone, residues)
    part = Tagger(
        given,
        tagger.method,
        tagger.head,
        tagger.crf,
        tagger.decoding,
        knows_residues=False,  # a residue's own states take no memory to speak of
        temperature=tagger.temperature,
    )
    optimizer, scheduler = partial(torch.optim.SGD, lr=0), partial(constant, warmup=0)
    module = SignalPeptideModule(part, optimizer, scheduler, criterion, 0.0, 1.0)
    live = LiveBytes([*_tensors_of(part), residues])
    with live:
        torch.autograd.backward([module.loss(batch)["loss"]])
    return live.peak


def _update_memory(optimizer: OptimizerFactory, trained: Sequence[Tensor]) -> tuple[int, int]:
    if not trained:
        return 0, 0
    made = optimizer(trained)
    live = LiveBytes(t for p in trained for t in (p, p.grad) if t is not None)
    with live:
        made.step()
    return live.now, live.peak - live.now


def _made_up_batch(size: int) -> LabelledBatch:
    proteins = LabelledDataset(SyntheticProteins(max(FEWEST, 2 * size), 0).load())
    longest = sorted(range(len(proteins)), key=lambda index: -len(proteins.tokens[index]))
    batch = collate_labelled([proteins[index] for index in longest[:size]])
    assert batch.residue_mask.shape == (size, MAX_RESIDUES)
    return batch


def _tensors_of(module: nn.Module) -> Iterable[Tensor]:
    for parameter in module.parameters():
        yield parameter
        if parameter.grad is not None:
            yield parameter.grad
    yield from module.buffers()


class _Given(Backbone):
    """Gives the same residue representations whatever it is asked."""

    def __init__(self, backbone: Backbone, residues: Tensor) -> None:
        super().__init__(backbone.source)
        self.residues = residues

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:  # noqa: ARG002
        """Float ``(B, L, D)``."""
        return self.residues
