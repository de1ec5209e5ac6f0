"""The set as an output format."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts
from peftsp.inference.formats.signalp6 import summary, tables
from peftsp.inference.formats.signalp6.plots import PlotNames, Request, write_plots

_FILES = (
    "prediction_results.txt",
    "processed_entries.fasta",
    "output.gff3",
    "region_output.gff3",
    "output.json",
    "output.md",
)


def signalp6_output(request: Request) -> OutputFormat:
    """The output format that writes the set with the plots that are wanted."""
    has_pictures = any(kind != "txt" for kind in request.plots)
    return OutputFormat(
        "signalp6",
        "the files of SignalP 6.0 in its layout, for programs that read those",
        partial(_write, request=request),
        _FILES,
        needs_region_probabilities=has_pictures,
        needs_peptide_regions="txt" in request.plots,
        requires=("matplotlib",) if has_pictures else (),
    )


def _write(read: Read, folder: Path, facts: RunFacts, request: Request) -> None:
    with ExitStack() as stack:
        table, mature, peptides, regions, details, page = (
            stack.enter_context((folder / name).open("w", encoding="utf-8", newline="\n"))
            for name in _FILES
        )
        table.write(tables.table_heading(facts))
        peptides.write(tables.GFF_HEADING)
        regions.write(tables.GFF_HEADING)
        details.write(summary.opening(facts))
        page.write(summary.page_heading(facts))
        names = PlotNames()
        for index, prediction in enumerate(read()):
            table.write(tables.row(prediction, facts.kingdom))
            mature.write(tables.mature_record(prediction))
            peptides.write(tables.peptide_line(prediction))
            regions.write(tables.region_lines(prediction))
            plot = names.next(prediction.header) if request.plots else ""
            details.write(summary.member(prediction, facts, request, plot, is_first=index == 0))
            page.write(summary.page_section(prediction, facts, request, plot))
        details.write(summary.closing(facts, request))
    if request.plots:
        write_plots(read, folder, request.plots, facts)


SIGNALP6 = signalp6_output(Request())
