"""Tables: one row a protein, as CSV, TSV or Parquet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from peftsp.inference.formats.base import OutputFormat, Read, RunFacts, in_one_line
from peftsp.labels import SP_TYPES
from peftsp.records import Prediction

COLUMNS = (
    "id",
    "sp_type",
    *SP_TYPES,
    "cleavage_site",
    "cleavage_site_probability",
    "n_region_end",
    "h_region_end",
    "c_region_end",
    "description",
    "note",
)
POSITIONS = ("cleavage_site", "n_region_end", "h_region_end", "c_region_end")
"""Columns of whole numbers, empty where there is none."""

_CSV_FILE, _TSV_FILE, _PARQUET_FILE = (
    f"predictions.{ending}" for ending in ("csv", "tsv", "parquet")
)
_ROW_GROUP = 10_000
_FORMULA = ("=", "+", "-", "@")

Cell = str | float | int | None


def cells(prediction: Prediction) -> tuple[Cell, ...]:
    """The values of a prediction in the order of `COLUMNS`, None for what there is none of.

    >>> cells(Prediction("P1 x", "NO_SP", (0.9, 0.1, 0.0, 0.0, 0.0, 0.0), None, None, ()))[:4]
    ('P1', 'NO_SP', 0.9, 0.1)
    """
    ends = {region.name: region.end for region in prediction.regions}
    return (
        prediction.identifier,
        prediction.sp_type,
        *prediction.probabilities,
        prediction.cleavage_site,
        prediction.cleavage_site_probability,
        *(ends.get(name) for name in ("n", "h", "c")),
        in_one_line(prediction.description) or None,
        prediction.note,
    )


def table_row(prediction: Prediction) -> list[str]:
    """The same as text: probabilities to six digits, nothing for None."""
    return [
        f"{cell:.6f}" if isinstance(cell, float) else "" if cell is None else str(cell)
        for cell in cells(prediction)
    ]


def _write_text(read: Read, path: Path, delimiter: str, is_safe: bool) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in map(table_row, read()):
            writer.writerow([_as_text(cell) for cell in row] if is_safe else row)


def _as_text(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell


def _write_csv(read: Read, folder: Path, facts: RunFacts) -> None:
    _write_text(read, folder / _CSV_FILE, ",", facts.is_safe_csv)


def _write_tsv(read: Read, folder: Path, facts: RunFacts) -> None:
    _write_text(read, folder / _TSV_FILE, "\t", facts.is_safe_csv)


def _write_parquet(read: Read, folder: Path, facts: RunFacts) -> None:  # noqa: ARG001
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole_numbers = {"cleavage_site", "n_region_end", "h_region_end", "c_region_end"}
    texts = {"id", "sp_type", "description", "note"}
    kinds = dict.fromkeys(texts, pa.string()) | dict.fromkeys(whole_numbers, pa.int16())
    schema = pa.schema([(name, kinds.get(name, pa.float32())) for name in COLUMNS])
    with pq.ParquetWriter(folder / _PARQUET_FILE, schema) as writer:
        for rows in _blocks(map(cells, read())):
            columns = [
                pa.array(c, f.type) for c, f in zip(zip(*rows, strict=True), schema, strict=True)
            ]
            writer.write_table(pa.table(columns, schema=schema))


def _blocks(rows: Iterator[tuple[Cell, ...]]) -> Iterator[list[tuple[Cell, ...]]]:
    while block := list(islice(rows, _ROW_GROUP)):
        yield block


CSV = OutputFormat("csv", "table, comma-separated", _write_csv, (_CSV_FILE,))
TSV = OutputFormat("tsv", "table, tab-separated", _write_tsv, (_TSV_FILE,))
PARQUET = OutputFormat(
    "parquet",
    "table for data frames",
    _write_parquet,
    (_PARQUET_FILE,),
    requires=("pyarrow",),
)
