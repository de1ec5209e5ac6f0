"""Fixtures that the whole test suite shares."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))

import warm_python as warm

from peftsp.data.identity import DatasetIdentity
from peftsp.labels import KINGDOMS, SP_TYPES
from peftsp.runs.record import (
    PREDICTION_COLUMNS,
    PREDICTIONS_FILE,
    Cost,
    RunRecord,
    write_record,
)

yaml.SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # settings are read often
REPOSITORY = Path(__file__).resolve().parents[1]
TEST_PARTITION = (0, 0, 1, 1, 2, 2)


def pytest_addoption(parser):
    parser.addoption(
        "--campaign", type=int, default=1, metavar="N", help="try N times as many mutated files"
    )


@pytest.fixture
def campaign(request):
    """How many times as many mutations to try."""
    return request.config.getoption("--campaign")


@pytest.fixture(scope="session")
def warm_python():
    """Path of a Python that has imported the training command already, where there can be one."""
    if not hasattr(os, "pidfd_open"):
        yield sys.executable
        return
    with warm.start() as program:
        yield program


@pytest.fixture
def blank_pictures(monkeypatch):
    """Leave blank pictures: most tests of runs and reports do not look at what takes seconds."""
    from matplotlib.figure import Figure
    from PIL import Image

    def save(figure, path, **_):
        if path.suffix == ".svg":
            path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
        else:
            Image.new("L", (1, 1)).save(path)

    monkeypatch.setattr(Figure, "savefig", save)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data and recorded cases, which a plain checkout does not have."""
    folder = REPOSITORY.parent / "shared"
    if not (folder / "golden").is_dir():
        pytest.skip(f"real data and recorded cases are not at {folder}")
    return folder


@pytest.fixture
def make_record():
    """Function of what matters that gives the record of a run, which has ended unless told."""

    def make(settings=None, sha256="a" * 64, *, has_ended=True, **changes):
        cost = Cost(1000, 5000, 12.5, 1, 2_000_000, None, 5000, 3000)
        end = {"ended": "2025-01-01T00:01:00+00:00", "metrics": {"val/score": 0.5}, "cost": cost}
        values = {
            **{"name": "made up", "method": "lora", "backbone": "tiny", "fold": 0, "seed": 1},
            **{"backbone_sha256": "b" * 64, "dataset": DatasetIdentity(6, 360, sha256)},
            **{"extra_sha256": None, "splits": {"train": 10}, "settings": settings or {}},
            **{"versions": {}, "commit": None, "device": "none"},
            "begun": "2025-01-01T00:00:00+00:00",
            **(end if has_ended else {}),
            **changes,
        }
        return RunRecord(**values)

    return make


def protein_rows(partition, quality, seed):
    """Rows of 400 proteins, of which a share is predicted right."""
    truth = np.random.default_rng(partition)
    draws = np.random.default_rng((seed, partition))
    for number in range(400):
        kingdom, sp_type = truth.integers(0, 4), int(truth.integers(0, 6) * truth.integers(0, 2))
        site = int(truth.integers(18, 30)) if sp_type else ""
        membrane = "" if sp_type else int(truth.integers(10, 60))
        found = sp_type if draws.random() < quality else int(draws.integers(0, 6))
        found_site = int((site or 22) + draws.integers(-2, 3)) if found else ""
        shares = np.full(6, 0.05)
        shares[found] = 0.75
        ends = [5, 14, found_site] if found else ["", "", ""]
        yield [
            *(f"P{partition}-{number:03d}", partition, KINGDOMS[kingdom]),
            *(SP_TYPES[sp_type], site, membrane, SP_TYPES[found], found_site),
            *(f"{share:.6f}" for share in shares),
            *ends,
        ]


@pytest.fixture
def make_run(tmp_path, make_record):
    """Function of a method, fold, seed and quality that writes a run's folder."""

    def make(method="lora", fold=0, seed=1, quality=0.7, sha256="a" * 64, **settings):
        folder = tmp_path / "runs" / f"{method}-fold{fold}-seed{seed}-{len(settings)}"
        (folder / "logs" / "version_0").mkdir(parents=True)
        with (folder / PREDICTIONS_FILE).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(PREDICTION_COLUMNS)
            draws = seed + 10 * fold + len(method)
            writer.writerows(protein_rows(TEST_PARTITION[fold], quality, draws))
        curves = "epoch,step,train/nll,val/nll\n0,0,60.5,\n0,1,50.5,\n0,1,,48.0\n"
        (folder / "logs" / "version_0" / "metrics.csv").write_text(curves)
        data = {"fold": fold, "seed": seed, "train_splits": ["train"]}
        backbone = {"checkpoint": "random"}
        record = make_record(
            {"name": folder.name, "seed": seed, "data": data, "backbone": backbone, **settings},
            sha256,
            name=folder.name,
            method=method,
            fold=fold,
            seed=seed,
        )
        write_record(record, folder)
        return folder

    return make


@pytest.fixture
def edit_record():
    """Function of a run's folder and changes that changes what its record says."""

    def edit(folder, **changes):
        path = folder / "run.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return edit


def pytest_collection_modifyitems(items):
    """Begin with what takes longest, so that no process waits for another's last file."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
