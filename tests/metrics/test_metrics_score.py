import math
import warnings

import pytest
import torch
from sklearn.metrics import matthews_corrcoef

from peftsp.labels import KINGDOMS
from peftsp.metrics.score import checkpoint_score


def test_golden_score(metrics_case):
    reference = metrics_case.expected.get("report_metrics_kingdom_averaged")
    score = checkpoint_score(*metrics_case.columns)
    if reference is None:  # The reference fails on a kingdom without signal peptides.
        assert score.cleavage_site_mcc_of.keys() < score.detection_mcc_of.keys()
        return
    assert score.detection_mcc == pytest.approx(reference["Detection MCC"], abs=1e-6)
    assert score.cleavage_site_mcc == pytest.approx(reference["CS MCC"], abs=1e-6)
    expected = {key: v for key, v in reference.items() if key.startswith(("Detection", "CS MCC"))}
    found = {f"Detection MCC {name}": value for name, value in score.detection_mcc_of.items()}
    found |= {f"CS MCC {name}": value for name, value in score.cleavage_site_mcc_of.items()}
    del expected["Detection MCC"], expected["CS MCC"]
    assert found == pytest.approx(expected, abs=1e-6)


def test_score_equals_scikit_learn_by_kingdom(random_columns):
    true_types, predicted_types, true_sites, predicted_sites, kingdoms = random_columns
    score = checkpoint_score(*random_columns)
    detection, cleavage_site = [], []
    for kingdom, name in enumerate(KINGDOMS):
        here = kingdoms == kingdom
        detection.append(matthews_corrcoef(true_types[here], predicted_types[here]))
        cut = here & (true_sites != -1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cleavage_site.append(matthews_corrcoef(true_sites[cut], predicted_sites[cut]))
        assert score.detection_mcc_of[name] == pytest.approx(detection[-1], abs=1e-12)
        assert score.cleavage_site_mcc_of[name] == pytest.approx(cleavage_site[-1], abs=1e-12)
    assert score.score == pytest.approx(sum(detection) / 4 + sum(cleavage_site) / 4, abs=1e-12)


def test_kingdom_without_signal_peptides_counts_for_detection_alone():
    types = torch.tensor([0, 1, 1, 0, 0])
    predicted = torch.tensor([0, 1, 1, 0, 1])
    sites = torch.tensor([-1, 20, 21, -1, -1])
    score = checkpoint_score(types, predicted, sites, sites, torch.tensor([0, 0, 0, 2, 2]))
    assert score.detection_mcc_of == {"EUKARYA": 1.0, "NEGATIVE": 0.0}
    assert score.cleavage_site_mcc_of == {"EUKARYA": 1.0}
    assert score.score == 1.5


@pytest.mark.parametrize("n", [0, 3])
def test_score_is_finite_without_any_signal_peptide(n):
    types, sites = torch.zeros(n, dtype=torch.long), torch.full((n,), -1)
    score = checkpoint_score(types, types, sites, sites, types)
    assert score.cleavage_site_mcc_of == {}
    assert math.isfinite(score.score)
