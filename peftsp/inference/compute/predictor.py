"""The models of a run, ready to predict in this process or on a cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterable

import torch

from peftsp.inference.compute.cluster import predict_on_cluster
from peftsp.inference.compute.device import find_device, fitting_batch_size
from peftsp.inference.compute.options import ModelSettings, Options, kingdom_of, sums_types
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.precision import find_precision, lower_precision
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.tagger import Tagger
from peftsp.records import Prediction, SequenceRecord


class Predictor:
    """Predicts as settings say, once it is loaded.

    Args:
        settings: What predicts and how.
        has_region_probabilities: Give those of each residue too.
        has_peptide_regions: Give those of each residue by SP type too.

    Attributes:
        options: What the models are told and asked.
        batch_size: Sequences in a batch; known when it is loaded.
        uses_organism: Whether the organism changes a prediction; known when it is loaded.

    Raises:
        ConfigError: This machine has no such device, or the device no such precision.
    """

    batch_size: int
    uses_organism: bool

    def __init__(
        self,
        settings: ModelSettings,
        *,
        has_region_probabilities: bool = False,
        has_peptide_regions: bool = False,
    ) -> None:
        self._settings = settings
        self._device = _device(settings)
        self._taggers: list[Tagger] = []
        self.options = Options(
            kingdom=kingdom_of(settings.organism),
            sums_types=sums_types(settings.organism),
            min_probability=settings.min_probability,
            has_region_probabilities=has_region_probabilities,
            precision=find_precision(settings.precision, self._device),
            has_peptide_regions=has_peptide_regions,
        )

    def load(self) -> None:
        """Load the models; those of a cluster are loaded by its workers.

        Raises:
            PeftspError: A bundle or its backbone is missing or broken.
        """
        settings = self._settings
        if settings.cluster is None:
            self._taggers = load_taggers(
                settings.bundles, self._device, settings.backbone, settings.allow_code
            )
            lower_precision(self._taggers, self.options.precision)
            width = max(tagger.backbone.spec.width for tagger in self._taggers)
            has_kingdoms = any(tagger.head.kingdoms is not None for tagger in self._taggers)
        else:
            bundles = [read_bundle(bundle) for bundle in settings.bundles]
            width = max(bundle.backbone.spec.width for bundle in bundles)
            has_kingdoms = any(bundle.head.kingdom_embedding > 0 for bundle in bundles)
        self.batch_size = settings.batch_size or fitting_batch_size(self._device, width)
        self.uses_organism = self.options.sums_types or has_kingdoms

    def predict(self, records: Iterable[SequenceRecord]) -> Generator[Prediction]:
        """Yield the prediction of each record in order, see `predict_records`."""
        settings, options = self._settings, self.options
        if settings.cluster is None:
            return predict_records(records, self._taggers, self.batch_size, self._device, options)
        return predict_on_cluster(
            records,
            settings.cluster,
            settings.bundles,
            settings.backbone,
            self.batch_size,
            self._device,
            options,
            settings.allow_code,
        )


def _device(settings: ModelSettings) -> torch.device:
    # A named device has to be in the machines of the cluster, which this one need not be.
    if settings.cluster is not None and settings.device != "auto":
        return torch.device(settings.device)
    return find_device(settings.device)
