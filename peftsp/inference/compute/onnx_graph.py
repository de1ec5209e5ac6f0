"""What an exported graph takes and gives, by name."""

from __future__ import annotations

from peftsp.labels import MAX_RESIDUES

INPUTS = ("tokens", "organism")
"""Tokens, int64, ``(B, 72)``: ``<cls>``, residues, ``<eos>``, padding. Organism, int64, ``(B,)``:
kingdom ids, -1 for other."""
TOKENS = MAX_RESIDUES + 2
"""Tokens of a sequence, with padding."""
OUTPUTS = (
    *("probabilities", "sp_types", "paths", "cleavage_sites", "site_probabilities"),
    *("ends_inside", "region_probabilities", "peptide_region_probabilities"),
)
"""Those of `peftsp.inference.compute.ensemble.Results`."""
METADATA = "peftsp"
"""Name of the metadata property that holds what a graph says of itself, as JSON."""
