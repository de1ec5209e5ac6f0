"""The models of a run, ready to predict."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import torch

from peftsp.errors import ConfigError
from peftsp.inference.precision import lower_precision
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import DEFAULT_MODEL, find_model
from peftsp.model.tagger import Tagger


def chosen_bundles(model: str | None, bundles: Sequence[str | PathLike[str]]) -> tuple[Path, ...]:
    """Bundle folders of a run.

    Args:
        model: Name of a model that ships; None for the default one.
        bundles: Folders of other models, if any.

    Raises:
        ConfigError: There is no such model, or both are given.
    """
    if not bundles:
        return (find_model(model or DEFAULT_MODEL),)
    if model is not None:
        raise ConfigError(f"--model {model}: expected it without --bundle, found both")
    return tuple(map(Path, bundles))


def load_models(
    bundles: Sequence[Path], device: torch.device, backbone: str | None, precision: str
) -> list[Tagger]:
    """Models in evaluation mode, one a bundle.

    Args:
        bundles: Bundle folders.
        device: Where to put the models.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        precision: ``fp32``, ``bf16`` or ``int8``.

    Raises:
        PeftspError: A bundle or its backbone is missing or broken.
    """
    taggers = load_taggers(bundles, device, backbone)
    lower_precision(taggers, precision)
    return taggers
