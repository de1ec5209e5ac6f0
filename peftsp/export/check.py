"""How far a graph is from the models that it was made of."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from peftsp.data.fasta import read_fasta
from peftsp.inference.compute.device import fitting_batch_size, usable_cpus
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.restore import load_taggers


@dataclass(frozen=True, slots=True)
class Comparison:
    """A graph beside PyTorch in float32.

    Attributes:
        proteins: How many were compared.
        difference: Largest difference of two type probabilities.
        types: Proteins whose SP type differs.
        sites: Proteins whose cleavage site differs.
    """

    proteins: int
    difference: float
    types: int
    sites: int

    def __str__(self) -> str:
        """In one line."""
        share = 100 / max(self.proteins, 1)
        return (
            f"{self.proteins:,} proteins: probabilities differ by at most {self.difference:.1e}; "
            f"{self.types:,} types ({self.types * share:.2f} %) and {self.sites:,} cleavage sites "
            f"({self.sites * share:.2f} %) differ"
        )


def compare(
    graph: Path,
    bundles: Sequence[Path],
    fasta: Path,
    backbone: str | None = None,
    allow_code: Collection[str] = (),
) -> Comparison:
    """Predict a file with a graph and with PyTorch.

    Args:
        graph: File of the graph.
        bundles: Bundle folders that it was made of.
        fasta: Proteins.
        backbone: Where the backbone's weights lie, if not where the bundles say.
        allow_code: Packages whose code may be imported for a bundle's method.
    """
    taggers = load_taggers(bundles, backbone_checkpoint=backbone, allow_code=allow_code)
    width = max(tagger.backbone.spec.width for tagger in taggers)
    size = fitting_batch_size("cpu", width)
    models = OnnxModel(graph, usable_cpus()), taggers
    proteins, difference, types, sites = 0, 0.0, 0, 0
    both = (predict_records(read_fasta(fasta), model, size) for model in models)
    for ours, exact in zip(*both, strict=True):
        proteins += 1
        pairs = zip(ours.probabilities, exact.probabilities, strict=True)
        difference = max(difference, *(abs(a - b) for a, b in pairs))
        types += ours.sp_type != exact.sp_type
        sites += ours.cleavage_site != exact.cleavage_site
    return Comparison(proteins, difference, types, sites)
