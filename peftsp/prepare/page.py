"""The page that people look at before they train: counts, lengths, cleavage sites."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from peftsp import __version__
from peftsp.data.regions import cleavage_site
from peftsp.errors import ConfigError
from peftsp.labels import NO_SP, SP_TYPES
from peftsp.prepare.collection import Prepared
from peftsp.prepare.entry import Unusable
from peftsp.web_page import find_template

_BEFORE, _BEHIND = 15, 5
_FEWEST = 2
_MOST_LISTED = 200


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """What the page shows.

    Attributes:
        title: Of the page.
        facts: Name and text of what was done.
        proteins: Those of the file.
        partitions: Of each of them.
        unusable: What is not in the file.
    """

    title: str
    facts: dict[str, str]
    proteins: Sequence[Prepared]
    partitions: Sequence[int]
    unusable: Sequence[Unusable]


def render(shown: PreparedSet) -> str:
    """The page as HTML, with its figures inside.

    Raises:
        ConfigError: logomaker is not installed.
    """
    reasons = Counter(one.reason.split(", found")[0] for one in shown.unusable)
    return find_template("peftsp.prepare").render(
        shown=shown,
        numbers=sorted(set(shown.partitions)),
        tables=[
            (
                "Kingdoms and SP types",
                _counts(shown, lambda p: f"{p.record.kingdom} {p.record.sp_type}"),
            ),
            ("Groups of organisms", _counts(shown, lambda p: p.group)),
        ],
        pictures=[Markup(_svg(figure)) for figure in _figures(shown.proteins)],
        reasons=reasons.most_common(),
        listed=shown.unusable[:_MOST_LISTED],
        version=__version__,
    )


def _counts(shown: PreparedSet, name_of: object) -> list[tuple[str, list[int]]]:
    counts: dict[str, Counter[int]] = {}
    for protein, number in zip(shown.proteins, shown.partitions, strict=True):
        counts.setdefault(name_of(protein), Counter())[number] += 1  # type: ignore[operator]
    numbers = sorted(set(shown.partitions))
    return [(name, [counts[name][number] for number in numbers]) for name in sorted(counts)]


def _figures(proteins: Sequence[Prepared]) -> list[Figure]:
    figures = []
    for sp_type in SP_TYPES:
        records = [p.record for p in proteins if p.record.sp_type == sp_type]
        if sp_type != SP_TYPES[NO_SP] and len(records) >= _FEWEST:
            sites = [cleavage_site(record) or 0 for record in records]
            peptides = [(r.residues, site) for r, site in zip(records, sites, strict=True)]
            figures.append(_draw(sp_type, sites, _windows(peptides)))
    return figures


def _windows(peptides: Sequence[tuple[str, int]]) -> list[str]:
    """Residues around each cut, gaps where there are none.

    >>> _windows([("MKLLA", 3)])[0]
    '------------MKLLA---'
    """
    return [
        residues[max(site - _BEFORE, 0) : site + _BEHIND]
        .rjust(
            min(site, 0)
            + len(residues[max(site - _BEFORE, 0) : site + _BEHIND])
            + max(_BEFORE - site, 0),
            "-",
        )
        .ljust(_BEFORE + _BEHIND, "-")
        for residues, site in peptides
    ]


def _draw(sp_type: str, sites: Sequence[int], windows: Sequence[str]) -> Figure:
    try:
        import logomaker
    except ImportError as error:
        raise ConfigError(
            f"report page: expected the package {error.name}, found none: pip install logomaker"
        ) from error
    figure = Figure(figsize=(7.0, 1.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 3))
    left.hist(sites, bins=np.arange(0, 72, 2), color="#0072B2")
    left.set_xlabel("length of the signal peptide")
    left.set_ylabel("proteins")
    matrix = logomaker.alignment_to_matrix(list(windows), to_type="information")
    matrix.index = range(-_BEFORE, _BEHIND)
    logomaker.Logo(matrix, ax=right, color_scheme="chemistry")
    right.axvline(-0.5, color="black", linewidth=0.8)
    right.set_xlabel("residues from the cut")
    right.set_ylabel("bits")
    figure.suptitle(f"{sp_type}: {len(sites):,} proteins", fontsize=9)
    return figure


def _svg(figure: Figure) -> str:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
