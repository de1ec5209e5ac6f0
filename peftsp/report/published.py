"""What SignalP 6.0 and PEFT-SP publish: MCC2, means over six folds.

Their numbers are of the SignalP 6.0 data set and mean nothing beside those of another.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from peftsp.data.identity import DatasetIdentity

PUBLISHED_FILE = Path(__file__).with_name("published.csv")
SIGNALP6_SHA256 = "44542c4b04d0ea1500077dcb7fa9158073498c84fdaf2634b0b8c9ae5f4c7163"
"""Of `peftsp.data.identity.dataset_digest`, over the 20,290 records of the whole data set."""


def read_published() -> pd.DataFrame:
    """Read the published MCC2: kingdom, SP type, and a column for each model."""
    return pd.read_csv(PUBLISHED_FILE)


def published_for(dataset: DatasetIdentity) -> pd.DataFrame | None:
    """The published MCC2, or None where runs are of another data set."""
    is_theirs = (dataset.sha256, dataset.folds) == (SIGNALP6_SHA256, 6)
    return read_published() if is_theirs else None
