"""``output.json`` and ``output.md``, written piece by piece: no more than one protein is held.

Its ``SEQUENCES`` have the whole header as key. Of several proteins with the same header each is
there, as in the other files, but a JSON parser gives the last one.
"""

from __future__ import annotations

import json
from typing import Any

from peftsp.inference.compute.options import sums_types
from peftsp.inference.formats.base import RunFacts
from peftsp.inference.formats.signalp6.plots import Request, plot_file
from peftsp.inference.formats.signalp6.tables import cut_of, likelihoods, name_of
from peftsp.labels import SP_TYPES
from peftsp.model.shipped import mode_of
from peftsp.records import Prediction

_TITLES = (
    "Other",
    "Signal Peptide (Sec/SPI)",
    "Lipoprotein signal peptide (Sec/SPII)",
    "TAT signal peptide (Tat/SPI)",
    "TAT Lipoprotein signal peptide (Tat/SPII)",
    "Pilin-like signal peptide (Sec/SPIII)",
)
_DIGITS = 4


def opening(facts: RunFacts) -> str:
    """The text before the first protein."""
    members = {
        "INFO": {"failedjobs": 0, "size": facts.size},
        "CSV_FILE": f"{facts.folder}/prediction_results.txt",
        "MATURE_FILE": f"{facts.folder}/processed_entries.fasta",
        "GFF_FILE": f"{facts.folder}/output.gff3",
        "ZIP_FILE": "",
    }
    return json.dumps(members, indent=2).removesuffix("\n}") + ',\n  "SEQUENCES": {'


def member(
    prediction: Prediction, facts: RunFacts, request: Request, plot: str, is_first: bool
) -> str:
    """The text of one protein.

    Args:
        prediction: Of which protein.
        facts: Of the run.
        request: Which plots there are.
        plot: Its name in the names of the plots' files.
        is_first: Whether no protein stands before it.
    """
    cut = cut_of(prediction)
    titles = _titles(facts)
    found = {
        "Name": name_of(prediction),
        **{f"Plot_{kind}": _place(facts, request, plot, kind) for kind in ("eps", "png", "txt")},
        "Prediction": _TITLES[SP_TYPES.index(prediction.sp_type)],
        "Likelihood": [round(p, _DIGITS) for p in likelihoods(prediction, facts.kingdom)],
        "Protein_types": titles,
        "CS_pos": _sentence(*cut) if cut else "",
    }
    text = f"{json.dumps(name_of(prediction))}: {json.dumps(found, indent=2)}"
    return ("" if is_first else ",") + "\n    " + text.replace("\n", "\n    ")


def closing(facts: RunFacts, request: Request) -> str:
    """The text behind the last protein."""
    members: dict[str, Any] = {
        "FORMAT": request.format,
        "ORG": "eukarya" if sums_types(facts.kingdom) else "other",
        "MODE": request.mode or mode_of(facts.model),
        "REGION_GFF_FILE": f"{facts.folder}/region_output.gff3",
    }
    return "\n  }," + json.dumps(members, indent=2).removeprefix("{")


def page_heading(facts: RunFacts) -> str:
    """The text of ``output.md`` before the first protein."""
    kingdom = "Eukarya" if sums_types(facts.kingdom) else "Other"
    links = {
        "JSON Summary": "output.json",
        "Prediction summary": "prediction_results.txt",
        "Processed entries fasta": "processed_entries.fasta",
        "Processed entries gff3": "output.gff3",
    }
    return (
        f"## SignalP-6.0 - Results\n### Summary of {facts.size} predicted sequences from "
        f"{kingdom}\nPredictions list. Use the instruction page for more detailed description of "
        "the output page.\n\nDownload:\n\n"
        + "".join(f"[{title}]({name})\n\n" for title, name in links.items())
        + "### Predicted Proteins\n"
    )


def page_section(prediction: Prediction, facts: RunFacts, request: Request, plot: str) -> str:
    """The text of ``output.md`` for one protein; arguments as for `member`."""
    cut = cut_of(prediction)
    titles = _titles(facts)
    values = [f"{round(p, _DIGITS):g}" for p in likelihoods(prediction, facts.kingdom)]
    widths = [len(title) + 2 for title in titles]
    columns = [
        ("Protein type  ", *(t.rjust(w) for t, w in zip(titles, widths, strict=True))),
        ("Likelihood    ", *(v.rjust(w) for v, w in zip(values, widths, strict=True))),
    ]
    head, row = ("| " + " | ".join(cells) + " |\n" for cells in columns)
    rule = "|" + "|".join("-" * (len(cell) + 2) for cell in columns[0]) + "|\n"
    names = {"png": "PNG", "eps": "EPS", "txt": "Tabular"}
    links = [f"[{names[k]}]({plot_file(plot, k)})" for k in names if k in request.plots]
    return (
        f"#### {name_of(prediction)}\n\n"
        f"**Prediction:** {_TITLES[SP_TYPES.index(prediction.sp_type)]}\n\n"
        f"{_sentence(*cut) if cut else ''}\n\n{head}{rule}{row}"
        f"**Download: ** {' / '.join(links)} \n\n ***\n\n"
    )


def _titles(facts: RunFacts) -> tuple[str, ...]:
    return _TITLES[:2] if sums_types(facts.kingdom) else _TITLES


def _place(facts: RunFacts, request: Request, plot: str, kind: str) -> str:
    return f"{facts.folder}/{plot_file(plot, kind)}" if kind in request.plots else ""


def _sentence(site: int, probability: float) -> str:
    return f"Cleavage site between pos. {site} and {site + 1}. Probability {probability:.6f}"
