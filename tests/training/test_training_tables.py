"""The table and the picture that a run leaves."""

import numpy as np
import pytest
import torch
from lightning.pytorch.loggers import CSVLogger

from peftsp.labels import SP_TYPES
from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.training.tables import draw_confusion, log_tables, write_tables


@pytest.fixture
def metrics():
    collection = SignalPeptideMetrics()
    true, predicted = torch.tensor([0, 1, 1, 2]), torch.tensor([0, 1, 2, 2])
    sites = torch.tensor([-1, 20, 21, 22])
    collection.update(true, predicted, sites, sites, torch.tensor([0, 0, 1, 1]))
    return collection


def test_picture_shows_each_count_in_its_cell():
    counts = torch.arange(36).reshape(6, 6)
    axes = draw_confusion(counts).axes[0]
    shown = {text.get_position(): text.get_text() for text in axes.texts}
    assert shown == {(j, i): str(int(counts[i, j])) for i in range(6) for j in range(6)}
    assert [label.get_text() for label in axes.get_yticklabels()] == list(SP_TYPES)
    assert axes.get_ylabel() == "true SP type"
    shares = np.asarray(axes.images[0].get_array())
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)


def test_type_that_does_not_occur_is_drawn_empty():
    shares = np.asarray(draw_confusion(torch.zeros(6, 6).long()).axes[0].images[0].get_array())
    assert (shares == 0).all()


@pytest.fixture
def blank_pictures():
    """Pictures are looked at here."""


def test_report_writes_and_shows_the_table(metrics, tmp_path, capsys):
    write_tables(metrics.table(), metrics.confusion(), tmp_path)
    assert len((tmp_path / "metrics.csv").read_text().splitlines()) == 4
    assert (tmp_path / "confusion.png").stat().st_size > 5000
    assert "LIPO" in capsys.readouterr().out


def test_other_loggers_are_left_alone(metrics, tmp_path):
    logger = CSVLogger(tmp_path)
    log_tables([logger], metrics.table(), tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())
