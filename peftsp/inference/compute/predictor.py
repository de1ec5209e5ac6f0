"""The models of a run, ready to predict in this process or on a cluster.

PyTorch is imported where it predicts alone.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from peftsp.errors import ConfigError
from peftsp.inference.compute.device import fitting_batch_size, usable_cpus
from peftsp.inference.compute.onnx_model import open_graph
from peftsp.inference.compute.options import ModelSettings, Options, kingdom_of, sums_types
from peftsp.inference.compute.pipeline import predict_records
from peftsp.inference.compute.results import Models
from peftsp.model.bundle_files import check_bundle
from peftsp.records import Prediction, SequenceRecord

if TYPE_CHECKING:
    import torch


class Predictor:
    """Predicts as settings say, once it is loaded.

    Args:
        settings: What predicts and how.
        threads: CPU threads; None for one for each processor that this process may use.
        has_region_probabilities: Give those of each residue too.
        has_peptide_regions: Give those of each residue by SP type too.

    Attributes:
        options: What the models are told and asked.
        batch_size: Sequences in a batch; known when it is loaded.
        uses_kingdom: Whether the kingdom changes a prediction; known when it is loaded.

    Raises:
        BundleError: A bundle is missing.
        ConfigError: This machine has no such device, or the device no such precision.
    """

    batch_size: int
    uses_kingdom: bool

    def __init__(
        self,
        settings: ModelSettings,
        threads: int | None = None,
        *,
        has_region_probabilities: bool = False,
        has_peptide_regions: bool = False,
    ) -> None:
        self._settings = settings
        self._threads = threads
        self._models: Models | None = None
        for bundle in () if settings.graph else settings.bundles:
            check_bundle(bundle)
        self._device = None if settings.graph else _device(settings)
        self.options = Options(
            kingdom=kingdom_of(settings.kingdom),
            sums_types=sums_types(settings.kingdom),
            min_probability=settings.min_probability,
            has_region_probabilities=has_region_probabilities,
            precision=_precision(settings, self._device),
            has_peptide_regions=has_peptide_regions,
        )

    @property
    def device(self) -> str:
        """Kind of the device that computes: ``cpu``, ``cuda`` or ``mps``."""
        return self._device.type if self._device else "cpu"

    @property
    def emulates_bfloat16(self) -> bool:
        """Whether it computes in bfloat16 on a processor without instructions for it."""
        if self.options.precision != "bf16" or self.device != "cpu":
            return False
        from peftsp.processor import multiplies_bfloat16

        return self._settings.cluster is None and not multiplies_bfloat16()

    def load(self) -> None:
        """Load the models; those of a cluster are loaded by its workers.

        Raises:
            PeftspError: A bundle or its backbone is missing or broken.
        """
        settings = self._settings
        if settings.graph is not None:
            width, has_kingdoms = self._load_graph(settings.graph)
        else:
            width, has_kingdoms = self._load_bundles()
        self.batch_size = settings.batch_size or fitting_batch_size(self.device, width)
        self.uses_kingdom = self.options.sums_types or has_kingdoms

    def _load_graph(self, path: Path) -> tuple[int, bool]:
        model = open_graph(self._settings, path, self._threads or usable_cpus())
        self._models = model
        self.options = replace(self.options, precision=model.about["precision"])
        return max(model.widths), model.has_kingdoms

    def _load_bundles(self) -> tuple[int, bool]:
        import torch

        from peftsp.inference.compute.torch_models import TorchModels
        from peftsp.model.bundle import read_bundle

        # PyTorch counts the processors of the machine, of which a container may have a share.
        torch.set_num_threads(self._threads or min(torch.get_num_threads(), usable_cpus()))
        settings = self._settings
        if settings.cluster is not None:
            bundles = [read_bundle(bundle) for bundle in settings.bundles]
            return (
                max(bundle.backbone.spec.width for bundle in bundles),
                any(bundle.head.kingdom_embedding > 0 for bundle in bundles),
            )
        assert self._device is not None
        models = TorchModels.load(settings, self._device, self.options.precision)
        self._models = models
        return (
            max(tagger.backbone.spec.width for tagger in models.taggers),
            any(tagger.head.kingdoms is not None for tagger in models.taggers),
        )

    def predict(self, records: Iterable[SequenceRecord]) -> Generator[Prediction]:
        """Yield the prediction of each record in order, see `predict_records`."""
        if self._settings.cluster is None:
            assert self._models is not None
            return predict_records(records, self._models, self.batch_size, self.options)
        from peftsp.inference.compute.cluster import predict_on_cluster

        return predict_on_cluster(
            records, self._settings, self.batch_size, self._device, self.options
        )


def _device(settings: ModelSettings) -> torch.device:
    try:
        import torch
    except ImportError as error:
        raise ConfigError(
            f"{settings.bundles[0]}: expected the package torch, found none: "
            "pip install '.[train]' in the folder of peftsp brings all that it needs; without it "
            "peftsp predicts in fp32 and int8 with models that ship, and with files of "
            "peftsp-export"
        ) from error
    from peftsp.inference.compute.device import find_device

    # A named device has to be in the machines of the cluster, which this one need not be.
    if settings.cluster is not None and settings.device != "auto":
        return torch.device(settings.device)
    return find_device(settings.device)


def _precision(settings: ModelSettings, device: torch.device | None) -> str:
    if device is None:
        # A graph says itself with which it was made.
        return "fp32"
    from peftsp.inference.compute.precision import find_precision

    return find_precision(settings.precision, device)
