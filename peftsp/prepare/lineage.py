"""Kingdoms and groups of organisms from the names of their taxa."""

from __future__ import annotations

from collections.abc import Iterable

from peftsp.labels import UNKNOWN_KINGDOM

_POSITIVE_PHYLA = {
    *("firmicutes", "bacillota", "actinobacteria", "actinobacteriota", "actinomycetota"),
    *("thermotogae", "thermotogota", "chloroflexi", "chloroflexota", "tenericutes"),
    *("mycoplasmatota", "candidatus saccharibacteria", "saccharibacteria", "saccharimonadota"),
}
"""Phyla whose bacteria are counted as Gram-positive, under their older and newer names."""

_EUKARYOTIC_GROUPS = {"fungi": "fungi", "viridiplantae": "plants", "metazoa": "metazoa"}
_OTHER_EUKARYOTES = "protists"
_ABOVE_PHYLA = (
    *("bacteria", "bacillati", "fusobacteriati", "pseudomonadati", "thermotogati"),
    *("cellular", "unclassified"),
)


def kingdom_and_group(lineage: Iterable[str]) -> tuple[str, str]:
    """Kingdom, and group for reports, of a lineage from the root on.

    Gram stains go by phylum. A bacterium of no phylum and a virus have an unknown kingdom.

    >>> kingdom_and_group(["Eukaryota", "Fungi", "Dikarya"])
    ('EUKARYA', 'fungi')
    >>> kingdom_and_group(["Bacteria", "Bacillota", "Bacilli"])
    ('POSITIVE', 'bacillota')
    >>> kingdom_and_group(["Bacteria", "FCB group", "Bacteroidota"])
    ('NEGATIVE', 'bacteroidota')
    >>> kingdom_and_group(["Viruses", "Riboviria"])
    ('UNKNOWN', 'unknown')
    """
    names = [name.split(" (")[0].strip().casefold() for name in lineage]
    if "eukaryota" in names:
        found = [group for name, group in _EUKARYOTIC_GROUPS.items() if name in names]
        return "EUKARYA", found[0] if found else _OTHER_EUKARYOTES
    if "archaea" in names:
        return "ARCHAEA", "archaea"
    if "bacteria" in names:
        below = [
            name
            for name in names
            if not name.startswith(_ABOVE_PHYLA) and not name.endswith(" group")
        ]
        positive = next((name for name in below if name in _POSITIVE_PHYLA), None)
        if positive or below:
            return ("POSITIVE", positive) if positive else ("NEGATIVE", below[0])
    return UNKNOWN_KINGDOM, "unknown"
