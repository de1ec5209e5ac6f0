"""The models of a run, ready to predict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from peftsp.inference.precision import lower_precision
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger


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
