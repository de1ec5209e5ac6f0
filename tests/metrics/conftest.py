import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

GOLDEN_CASES = (
    "case0_realistic",
    "case1_noisy",
    "case2_near_perfect",
    "case3_few_kingdoms_missing_types",
    "case4_bad_model_nan_precision",
    "extra_kingdom_without_sp",
)


@dataclass
class MetricsCase:
    """One recorded evaluation: its inputs as tensors, and what the reference made of them."""

    name: str
    inputs: dict[str, torch.Tensor]
    expected: dict

    @property
    def columns(self):
        names = ("true_type", "pred_type", "true_cs", "pred_cs", "kingdom_id")
        return tuple(self.inputs[name] for name in names)


def load_case(folder: Path, name: str) -> MetricsCase:
    arrays = np.load(folder / f"{name}.npz")
    inputs = {key: torch.from_numpy(arrays[key]) for key in arrays if arrays[key].dtype.kind != "U"}
    return MetricsCase(name, inputs, json.loads((folder / f"{name}.json").read_text()))


@pytest.fixture(params=GOLDEN_CASES)
def metrics_case(request, shared):
    folder = shared / "golden" / "metrics"
    assert {path.stem for path in folder.glob("*.npz")} == set(GOLDEN_CASES)
    return load_case(folder, request.param)


@pytest.fixture
def random_columns():
    """True and predicted types and sites, and kingdoms, of 300 made-up sequences."""
    generator = torch.Generator().manual_seed(5)

    def draw(low, high):
        return torch.randint(low, high, (300,), generator=generator)

    true_types, other_types = draw(0, 6), draw(0, 6)
    predicted_types = torch.where(draw(0, 3) > 0, true_types, other_types)
    true_sites = torch.where(true_types > 0, draw(15, 30), -1)
    predicted_sites = torch.where(predicted_types > 0, true_sites + draw(-2, 3), -1)
    return true_types, predicted_types, true_sites, predicted_sites, draw(0, 4)
