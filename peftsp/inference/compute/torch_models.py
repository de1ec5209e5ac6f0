"""Bundles that PyTorch computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from peftsp.data.batch import collate_tokens
from peftsp.errors import ConfigError
from peftsp.inference.compute.ensemble import find_results
from peftsp.inference.compute.options import ModelSettings, Options
from peftsp.inference.compute.precision import lower_precision
from peftsp.inference.compute.results import Results
from peftsp.model.restore import check_needed, load_taggers
from peftsp.model.tagger import Tagger


class TorchModels:
    """One model, or several as one.

    Args:
        taggers: At least one, on the device; put into evaluation mode.
        device: Where they are.

    Raises:
        ConfigError: There is none.
    """

    def __init__(self, taggers: Sequence[Tagger], device: torch.device | str = "cpu") -> None:
        if not taggers:
            raise ConfigError("prediction: expected one model or more, found none")
        self.taggers = [tagger.eval() for tagger in taggers]
        self.device = device

    @classmethod
    def load(
        cls, settings: ModelSettings, device: torch.device | str, precision: str
    ) -> TorchModels:
        """Read the bundles of a run.

        Raises:
            PeftspError: A bundle or its backbone is missing or broken.
        """
        taggers = load_taggers(settings.bundles, device, settings.backbone, settings.allow_code)
        check_needed(taggers, settings.backbone)
        lower_precision(taggers, precision)
        return cls(taggers, device)

    def find_results(self, sequences: Sequence[Sequence[int]], options: Options) -> Results:
        """See `peftsp.inference.compute.results.Models.find_results`.

        Raises:
            MemoryError: The device has too little for so many sequences.
        """
        batch = collate_tokens(sequences)
        batch = replace(batch, kingdoms=torch.full_like(batch.kingdoms, options.kingdom))
        try:
            return find_results(batch.to(self.device), self.taggers, options)
        except RuntimeError as error:
            # On CPUs PyTorch raises a plain RuntimeError.
            is_own_kind = isinstance(error, torch.OutOfMemoryError)
            if is_own_kind or "DefaultCPUAllocator" in str(error):
                raise MemoryError(str(error)) from None
            raise
