import math
import sys

import pytest
import torch
import torch.distributed
import torch.multiprocessing
from sklearn.metrics import confusion_matrix, matthews_corrcoef

from peftsp.metrics.collection import SignalPeptideMetrics
from peftsp.metrics.score import checkpoint_score
from peftsp.metrics.table import metric_table


def update_in_batches(metrics, columns, sizes):
    for batch in zip(*(column.split(sizes) for column in columns), strict=True):
        metrics.update(*batch)


def test_batches_measure_as_the_whole(random_columns):
    metrics = SignalPeptideMetrics()
    update_in_batches(metrics, random_columns, [0, 20, 100, 0, 180])
    rows = metric_table(*random_columns)
    score = checkpoint_score(*random_columns)
    found = {name: value.item() for name, value in metrics.compute().items()}
    assert found == pytest.approx(
        {
            "detection_mcc": score.detection_mcc,
            "cleavage_site_mcc": score.cleavage_site_mcc,
            "score": score.score,
            "mean_mcc2": sum(row.mcc2 for row in rows) / len(rows),
            **{f"mcc2/{row.kingdom}/{row.sp_type}": row.mcc2 for row in rows},
        },
        abs=1e-6,
    )
    assert str(metrics.table()) == str(rows)


def test_values_equal_scikit_learn(random_columns):
    true_types, predicted_types, *_, kingdoms = random_columns
    metrics = SignalPeptideMetrics()
    metrics.update(*random_columns)
    eukarya = kingdoms == 0
    expected = matthews_corrcoef(true_types[eukarya] == 3, predicted_types[eukarya] == 3)
    assert metrics.compute()["mcc2/EUKARYA/TAT"].item() == pytest.approx(expected, abs=1e-6)
    counts = confusion_matrix(true_types, predicted_types, labels=range(6))
    assert metrics.confusion().tolist() == counts.tolist()


def test_golden_score(metrics_case):
    reference = metrics_case.expected.get("report_metrics_kingdom_averaged")
    metrics = SignalPeptideMetrics()
    metrics.update(*metrics_case.columns)
    values = metrics.compute()
    assert all(value.isfinite() for value in values.values())
    if reference is not None:
        expected = reference["Detection MCC"] + reference["CS MCC"]
        assert values["score"].item() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("n_empty_batches", [0, 1])
@pytest.mark.filterwarnings("ignore:The ``compute`` method of metric")
def test_nothing_to_measure_is_no_error(n_empty_batches):
    metrics = SignalPeptideMetrics()
    for _ in range(n_empty_batches):
        metrics.update(*[torch.empty(0, dtype=torch.long)] * 5)
    values = metrics.compute()
    assert math.isnan(values.pop("mean_mcc2"))
    assert all(value == 0 for value in values.values())
    assert metrics.table() == []
    assert metrics.confusion().sum() == 0


def test_reset_forgets_every_sequence(random_columns):
    metrics = SignalPeptideMetrics()
    metrics.update(*random_columns)
    metrics.reset()
    few = [column[:50] for column in random_columns]
    metrics.update(*few)
    assert str(metrics.table()) == str(metric_table(*few))
    assert metrics.confusion().sum() == 50


def test_call_measures_the_batch_and_keeps_the_whole(random_columns):
    metrics = SignalPeptideMetrics()
    halves = list(zip(*(column.split(150) for column in random_columns), strict=True))
    for half in halves:
        batch = metrics(*half)
        expected = checkpoint_score(*half).score
        assert batch["score"].item() == pytest.approx(expected, abs=1e-6)
    assert str(metrics.table()) == str(metric_table(*random_columns))


def test_columns_of_unequal_length_are_refused(random_columns):
    with pytest.raises(RuntimeError, match="equal size"):
        SignalPeptideMetrics().update(*random_columns[:4], random_columns[4][:-1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an accelerator")
def test_sequences_move_with_the_metric(random_columns):
    metrics = SignalPeptideMetrics().cuda()
    metrics.update(*(column[:100].cuda() for column in random_columns))
    metrics.cpu()
    metrics.update(*(column[100:] for column in random_columns))
    metrics.cuda()
    assert metrics.compute()["score"].device.type == "cuda"
    assert str(metrics.table()) == str(metric_table(*random_columns))


SHARES = ((slice(0, 110), slice(110, 300)), (slice(0, 300), slice(300, 300)))


def _measure_in_process(rank, folder, columns, expected):
    torch.set_num_threads(1)
    rendezvous = f"file://{folder}/rendezvous"
    torch.distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2)
    for shares in SHARES:
        metrics = SignalPeptideMetrics()
        share = shares[rank]
        if share.stop > share.start:
            update_in_batches(metrics, [column[share] for column in columns], 40)
        torch.testing.assert_close(metrics.compute(), expected)
        assert str(metrics.table()) == str(metric_table(*columns))
        assert metrics.confusion().sum() == len(columns[0])
    torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_processes_measure_all_sequences_together(tmp_path, random_columns):
    alone = SignalPeptideMetrics()
    alone.update(*random_columns)
    arguments = (tmp_path, random_columns, alone.compute())
    method = "fork" if sys.platform == "linux" else "spawn"
    torch.multiprocessing.start_processes(
        _measure_in_process, arguments, nprocs=2, start_method=method
    )
