"""The test proteins of all runs, numbered, and what a method says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from peftsp.errors import RunError
from peftsp.labels import KINGDOM_LABELS, NO_SP, SP_TYPES
from peftsp.metrics.cells import Outcomes
from peftsp.report.methods import Method
from peftsp.runs.results import Run

Integers = NDArray[np.int64]

_TRUTH = ["partition", "kingdom", "sp_type", "cleavage_site", "membrane_start"]


@dataclass(frozen=True)
class Proteins:
    """Every protein that some run was tested on.

    Attributes:
        table: What is true of each; the index names it, see `Run`.
        strata: int64, ``(N,)``; proteins of one partition, kingdom and SP type share a number.
        cells: Pairs of kingdom and SP type that occur, without NO_SP, in the order of the labels.
    """

    table: pd.DataFrame
    strata: Integers
    cells: list[tuple[str, str]]

    @classmethod
    def of(cls, methods: Sequence[Method]) -> Proteins:
        """Collect the proteins of all runs.

        Raises:
            RunError: Two runs say different things of what is true of a protein, or none has a
                signal peptide.
        """
        table = pd.DataFrame()
        for run in (run for method in methods for run in method.runs):
            own = run.predictions.set_index("protein")[_TRUTH]
            shared = own.index.intersection(table.index)
            if len(shared) and not own.loc[shared].equals(table.loc[shared]):
                unlike = own.loc[shared].compare(table.loc[shared]).index[0]
                raise RunError(
                    f"{run.folder}: expected the protein {unlike} with the partition and labels "
                    f"that other runs give it, found others"
                )
            table = pd.concat([table, own.loc[own.index.difference(table.index)]])
        table = table.sort_index()
        kingdom = codes(table["kingdom"], KINGDOM_LABELS)
        sp_type = codes(table["sp_type"], SP_TYPES)
        cell = kingdom * len(SP_TYPES) + sp_type
        found = sorted(set(cell[sp_type != NO_SP].tolist()))
        if not found:
            raise RunError(
                f"test proteins: expected some with a signal peptide, found {len(table)} without"
            )
        pairs = [(KINGDOM_LABELS[c // len(SP_TYPES)], SP_TYPES[c % len(SP_TYPES)]) for c in found]
        return cls(table, table["partition"].to_numpy(np.int64) * 100 + cell, pairs)

    def __len__(self) -> int:
        return len(self.table)

    def places(self, names: pd.Series) -> Integers:
        """Numbers of proteins: int64, ``(N,)``."""
        return np.asarray(self.table.index.get_indexer(names), dtype=np.int64)

    def cell_places(self) -> tuple[list[int], list[int]]:
        """Kingdom and type ids of `cells`, to pick them out of arrays over both."""
        kingdoms = [KINGDOM_LABELS.index(kingdom) for kingdom, _ in self.cells]
        return kingdoms, [SP_TYPES.index(sp_type) for _, sp_type in self.cells]


def outcomes(runs: Sequence[Run], proteins: Proteins) -> Outcomes:
    """What runs predicted, each being a model of its own."""
    rows = joined(runs)
    return Outcomes(
        protein=proteins.places(rows["protein"]),
        model=rows["model"].to_numpy(np.int64),
        kingdom=codes(rows["kingdom"], KINGDOM_LABELS),
        true_type=codes(rows["sp_type"], SP_TYPES),
        predicted_type=codes(rows["predicted_type"], SP_TYPES),
        true_site=sites(rows["cleavage_site"]),
        predicted_site=sites(rows["predicted_site"]),
        proteins=len(proteins),
        models=len(runs),
    )


def joined(runs: Sequence[Run]) -> pd.DataFrame:
    """The predictions of runs one below the other, with the run's number as ``model``."""
    tables = [run.predictions.assign(model=number) for number, run in enumerate(runs)]
    return pd.concat(tables, ignore_index=True)


def codes(column: pd.Series, names: tuple[str, ...]) -> Integers:
    """Names as their places in a tuple.

    >>> codes(pd.Series(["SP", "NO_SP"]), SP_TYPES).tolist()
    [1, 0]
    """
    places = {name: place for place, name in enumerate(names)}
    return np.array([places[name] for name in column], dtype=np.int64)


def sites(column: pd.Series) -> Integers:
    """Positions as integers, -1 where there is none.

    >>> sites(pd.Series([22, float("nan")])).tolist()
    [22, -1]
    """
    return np.asarray(column.fillna(-1), dtype=np.int64)
