"""An exported graph, ready to predict on the processor."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from peftsp.alphabet import PAD_TOKEN
from peftsp.errors import BundleError, CheckpointError, ConfigError
from peftsp.files import shown
from peftsp.inference.compute.options import ModelSettings, Options
from peftsp.inference.compute.results import Results
from peftsp.labels import MAX_RESIDUES
from peftsp.model.bundle_files import GRAPH_FILES, hash_bundle

INPUTS = ("tokens", "organism")
"""Tokens, int64, ``(B, 72)``: ``<cls>``, residues, ``<eos>``, padding. Organism, int64, ``(B,)``:
kingdom ids, -1 for other."""
TOKENS = MAX_RESIDUES + 2
"""Tokens of a sequence, with padding."""
OUTPUTS = (
    *("probabilities", "sp_types", "paths", "cleavage_sites", "site_probabilities"),
    *("ends_inside", "region_probabilities", "peptide_region_probabilities"),
)
"""Those of `peftsp.inference.compute.results.Results`."""
_OUT_OF_MEMORY = ("Failed to allocate memory", "bad_alloc")
METADATA = "peftsp"
"""Name of the metadata property that holds what a graph says of itself, as JSON."""


def open_graph(settings: ModelSettings, path: Path, threads: int) -> OnnxModel:
    """The graph of a run.

    Args:
        settings: What predicts and how.
        path: What `ModelSettings.graph` says.
        threads: That compute.

    Raises:
        ConfigError: ONNX Runtime is not installed, or the graph is of another precision.
        BundleError: The file is missing, broken, or the graph of another bundle.
    """
    is_beside = path.name in GRAPH_FILES.values()
    model = (open_beside if is_beside else OnnxModel)(path, threads)
    made, wanted = model.about["precision"], settings.precision
    if wanted not in ("auto", made):
        raise ConfigError(f"{path}: expected a graph in {wanted}, found one in {made}")
    return model


def open_beside(path: Path, threads: int) -> OnnxModel:
    """The graph that lies in a bundle's folder.

    Raises:
        ConfigError: ONNX Runtime is not installed.
        BundleError: The file is missing, broken, or the graph of another bundle.
    """
    model = OnnxModel(path, threads)
    if model.about["bundles"][0]["sha256"] != hash_bundle(path.parent):
        raise BundleError(f"{path}: expected the graph of this bundle, found one of another")
    return model


class OnnxModel:
    """A model that `peftsp.export` wrote.

    Args:
        path: The file.
        threads: That compute.

    Attributes:
        about: What the graph says of itself, see `peftsp.export.model.describe`.

    Raises:
        ConfigError: ONNX Runtime is not installed.
        BundleError: The file is missing, broken, or no such graph.
    """

    about: dict[str, Any]

    def __init__(self, path: Path, threads: int) -> None:
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError(
                f"{path}: expected the package onnxruntime, found none: pip install onnxruntime"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4  # what fails is raised
        try:
            self._session = onnxruntime.InferenceSession(
                path, options, providers=["CPUExecutionProvider"]
            )
            self.about = json.loads(self._session.get_modelmeta().custom_metadata_map[METADATA])
        # ONNX Runtime's errors have no common class of their own.
        except Exception as error:
            raise BundleError(
                f"{path}: expected a graph of peftsp-export, found: {shown(error)}"
            ) from error

    @property
    def widths(self) -> list[int]:
        """Features of the backbone of each model in it."""
        return [bundle["config"]["backbone"]["spec"]["width"] for bundle in self.about["bundles"]]

    @property
    def has_kingdoms(self) -> bool:
        """Whether a model in it was trained to use the kingdom."""
        return any(
            bundle["config"]["head"]["kingdom_embedding"] for bundle in self.about["bundles"]
        )

    def find_results(self, sequences: Sequence[Sequence[int]], options: Options) -> Results:
        """See `peftsp.inference.compute.results.Models.find_results`.

        Types are summed just where the kingdom is that of eukaryotes.

        Raises:
            MemoryError: There is too little for so many sequences.
            CheckpointError: A probability is no finite number.
        """
        tokens = np.full((len(sequences), TOKENS), PAD_TOKEN)
        for row, sequence in zip(tokens, sequences, strict=True):
            row[: len(sequence)] = sequence
        organism = np.full(len(sequences), options.kingdom)
        feed = dict(zip(INPUTS, (tokens, organism), strict=True))
        try:
            results = Results(*self._session.run(OUTPUTS, feed))
        except Exception as error:
            if any(sign in str(error) for sign in _OUT_OF_MEMORY):
                raise MemoryError(shown(error)) from None
            raise
        if not np.isfinite(results.probabilities).all():
            raise CheckpointError("graph: expected finite probabilities, found others")
        return results._replace(
            regions=results.regions if options.has_region_probabilities else None,
            peptide_regions=results.peptide_regions if options.has_peptide_regions else None,
        )
