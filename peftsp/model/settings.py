"""Settings of head and CRF, and a model built from them."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from peftsp.backbone.contract import Backbone
from peftsp.backbone.esm2 import ESM2
from peftsp.crf.constraints import constraint_table
from peftsp.crf.linear_chain import LinearChainCRF
from peftsp.errors import ConfigError
from peftsp.model.head import EmissionHead
from peftsp.model.tagger import Tagger
from peftsp.peft.base import PeftMethod


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """How emissions are made; see `peftsp.model.head.EmissionHead`.

    Attributes:
        dropout: Probability with which features are dropped in training.
        kingdom_embedding: Features of the kingdom's embedding; 0 for none.
        kingdom_dropout: Probability with which a kingdom is taken as unknown in training.
        trainable: False keeps emission layer and CRF as they were drawn, as in the published LoRA
            models.
        context_window: Residues that each of two convolutions beside the linear layer sees; 0 for
            none.
        shares_types: Whether Tat lipoproteins share what Tat and what lipoproteins have.
    """

    dropout: float
    kingdom_embedding: int
    kingdom_dropout: float
    trainable: bool
    context_window: int = 0
    shares_types: bool = False


@dataclass(frozen=True, slots=True)
class CRFSettings:
    """How paths are made; see `peftsp.crf` and `peftsp.model.tagger.Tagger`.

    Attributes:
        constraint: ``hard`` or ``soft``.
        table: ``peftsp``, ``published`` or ``none``.
        decoding: ``of_type`` or ``free``.
        residues: Whether states are forbidden at residues that cannot be in them, see
            `peftsp.labels.RESIDUES_OF_STATE`; bundles that do not say so know nothing of it.
        temperature: See `peftsp.model.temperature.temper_types`; found on validation proteins after
            training.
    """

    constraint: str
    table: str
    decoding: str
    residues: bool = False
    temperature: float = 1.0


def build_tagger(
    backbone: ESM2, method: PeftMethod, head: HeadSettings, crf: CRFSettings
) -> Tagger:
    """Put a model together.

    Args:
        backbone: Taken over and changed in place.
        method: Makes the backbone trainable.
        head: Settings of the emission head.
        crf: Settings of the CRF.

    Returns:
        A model in which just what is to train requires gradients.

    Raises:
        ConfigError: A setting is out of range or does not fit the backbone.
    """
    options = asdict(head)
    is_trainable = options.pop("trainable")
    emission_head = EmissionHead(backbone.spec.width, **options)
    chain = LinearChainCRF(constraint_table(crf.table), crf.constraint)
    # What a method adds lies where the backbone does, which may be the meta device.
    with next(backbone.parameters()).device:
        adapted = method.apply(backbone)
    _check_trained(adapted, method)
    tagger = Tagger(
        adapted, method, emission_head, chain, crf.decoding, crf.residues, crf.temperature
    )
    tagger.head.requires_grad_(is_trainable)
    tagger.crf.requires_grad_(is_trainable)
    return tagger


def _check_trained(adapted: Backbone, method: PeftMethod) -> None:
    """What trains and is not named would be lost, since what is named is all that is saved."""
    trained = {name for name, p in adapted.named_parameters() if p.requires_grad}
    unlike = sorted(trained ^ method.parameter_names(adapted.spec))
    if unlike:
        raise ConfigError(
            f"peft: expected {method.label} to train what it names in the layers that it changes, "
            f"found {unlike[0]} to differ, of {len(unlike):,}"
        )
