"""The models of a run, ready to predict in this process or on a cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from peftsp.errors import ConfigError
from peftsp.inference.compute.cluster import predict_on_cluster
from peftsp.inference.compute.device import find_device, fitting_batch_size
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.options import ModelSettings, Options, kingdom_of, sums_types
from peftsp.inference.compute.pipeline import Models, predict_records
from peftsp.inference.compute.precision import find_precision, lower_precision
from peftsp.model.bundle import read_bundle
from peftsp.model.restore import load_taggers
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
        self._models: Models = []
        self.options = Options(
            kingdom=kingdom_of(settings.organism),
            sums_types=sums_types(settings.organism),
            min_probability=settings.min_probability,
            has_region_probabilities=has_region_probabilities,
            # A graph says itself with which it was made.
            precision="fp32"
            if settings.graph
            else find_precision(settings.precision, self._device),
            has_peptide_regions=has_peptide_regions,
        )

    def load(self) -> None:
        """Load the models; those of a cluster are loaded by its workers.

        Raises:
            PeftspError: A bundle or its backbone is missing or broken.
        """
        settings = self._settings
        if settings.graph is not None:
            model = self._load_graph(settings.graph)
            width, has_kingdoms = max(model.widths), model.has_kingdoms
        elif settings.cluster is None:
            taggers = load_taggers(
                settings.bundles, self._device, settings.backbone, settings.allow_code
            )
            lower_precision(taggers, self.options.precision)
            width = max(tagger.backbone.spec.width for tagger in taggers)
            has_kingdoms = any(tagger.head.kingdoms is not None for tagger in taggers)
            self._models = taggers
        else:
            bundles = [read_bundle(bundle) for bundle in settings.bundles]
            width = max(bundle.backbone.spec.width for bundle in bundles)
            has_kingdoms = any(bundle.head.kingdom_embedding > 0 for bundle in bundles)
        self.batch_size = settings.batch_size or fitting_batch_size(self._device, width)
        self.uses_organism = self.options.sums_types or has_kingdoms

    def _load_graph(self, path: Path) -> OnnxModel:
        model = OnnxModel(path, torch.get_num_threads())
        made, wanted = model.about["precision"], self._settings.precision
        if wanted not in ("auto", made):
            raise ConfigError(f"{path}: expected a graph in {wanted}, found one in {made}")
        self._models, self.options = model, replace(self.options, precision=made)
        return model

    def predict(self, records: Iterable[SequenceRecord]) -> Generator[Prediction]:
        """Yield the prediction of each record in order, see `predict_records`."""
        settings, options = self._settings, self.options
        if settings.cluster is None:
            return predict_records(records, self._models, self.batch_size, self._device, options)
        return predict_on_cluster(records, settings, self.batch_size, self._device, options)


def _device(settings: ModelSettings) -> torch.device:
    if settings.graph is not None:
        return torch.device("cpu")
    # A named device has to be in the machines of the cluster, which this one need not be.
    if settings.cluster is not None and settings.device != "auto":
        return torch.device(settings.device)
    return find_device(settings.device)
