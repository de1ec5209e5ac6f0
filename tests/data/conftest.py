"""Real records and recorded labels, read once for all tests of the data package."""

from pathlib import Path

import numpy as np
import pytest

from peftsp.data.labelled import read_labelled
from peftsp.records import LabelledRecord


@pytest.fixture(scope="session")
def real_records(shared: Path) -> list[LabelledRecord]:
    return read_labelled(shared / "data" / "signalp6" / "train_set.fasta")


@pytest.fixture(scope="session")
def golden_labels(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "golden" / "labels" / "all_sequences.npz") as arrays:
        return dict(arrays)


@pytest.fixture(scope="session")
def golden_bitmaps(golden_labels: dict[str, np.ndarray]) -> np.ndarray:
    bits = np.unpackbits(golden_labels["bitmap_packed"], axis=1)[:, : 70 * 37]
    return bits.reshape(-1, 70, 37).astype(bool)
