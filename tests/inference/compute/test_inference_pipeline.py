import random
import statistics
from itertools import count, islice

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from peftsp.data.tokens import tokenize
from peftsp.errors import CheckpointError, ConfigError
from peftsp.inference.compute.evidence import ENOUGH_RESIDUES
from peftsp.inference.compute.pipeline import Options, predict_records, window_size
from peftsp.labels import RESIDUE_REGIONS, SP_TYPES, TYPE_OF_STATE
from peftsp.records import SequenceRecord

MODELS = {"one model": slice(0, 1), "two models": slice(0, 2)}


def assert_same(found, expected):
    assert len(found) == len(expected)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.header == theirs.header
        assert ours.sp_type == theirs.sp_type
        assert ours.probabilities == pytest.approx(theirs.probabilities, abs=1e-5)
        assert ours.cleavage_site == theirs.cleavage_site
        assert ours.cleavage_site_probability == pytest.approx(
            theirs.cleavage_site_probability, abs=1e-5
        )
        assert ours.regions == theirs.regions


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def chosen(request, taggers):
    return taggers[request.param]


@pytest.mark.parametrize("batch_size", [2, 7, 64])
def test_batch_size_changes_no_prediction(chosen, records, batch_size):
    alone = list(predict_records(records, chosen, batch_size=1))
    assert len({prediction.sp_type for prediction in alone}) >= 3
    assert len({prediction.cleavage_site for prediction in alone}) >= 5
    assert_same(list(predict_records(records, chosen, batch_size)), alone)


def test_neighbours_change_no_prediction(chosen, records):
    expected = {p.header: p for p in predict_records(records, chosen, batch_size=16)}
    shuffled = random.Random(1).sample(records, len(records))
    found = list(predict_records(shuffled, chosen, batch_size=16))
    assert_same(found, [expected[record.header] for record in shuffled])


def test_probabilities_are_those_of_the_bare_model(taggers, records):
    tagger = taggers[0]
    for record, prediction in zip(
        records, predict_records(records, [tagger], batch_size=8), strict=True
    ):
        tokens = torch.tensor([tokenize(record.residues)])
        mask = torch.ones_like(tokens, dtype=torch.bool)
        emissions = tagger(tokens, mask, torch.tensor([-1]))
        marginals = tagger.crf.marginals(emissions, mask[:, 2:])[0].mean(dim=0)
        of_model = [
            sum(p for p, t in zip(marginals.tolist(), TYPE_OF_STATE, strict=True) if t == sp_type)
            for sp_type in range(len(SP_TYPES))
        ]
        share = min(1, len(record.residues) / ENOUGH_RESIDUES)
        even = [0.5, 0.1, 0.1, 0.1, 0.1, 0.1]
        expected = [share * p + (1 - share) * q for p, q in zip(of_model, even, strict=True)]
        assert prediction.probabilities == pytest.approx(expected, abs=1e-5)


def test_records_are_read_a_window_at_a_time(taggers):
    taken = count()
    endless = (SequenceRecord(f"p{next(taken)}", "MKLLAVAA") for _ in count())
    predictions = predict_records(endless, taggers[:1], batch_size=2)
    assert [p.header for p in islice(predictions, window_size(2) + 1)][-1] == f"p{window_size(2)}"
    assert next(taken) == 2 * window_size(2)


def test_inference_mode_stays_inside(taggers, records):
    predictions = predict_records(records, taggers, batch_size=4)
    next(predictions)
    assert not torch.is_inference_mode_enabled()


class SmallMemory:
    """A forward pass that fails on batches above a size."""

    def __init__(self, tagger, limit, fail):
        self.forward, self.limit, self.fail = tagger.forward, limit, fail

    def __call__(self, tokens, mask, kingdoms):
        if len(tokens) > self.limit:
            self.fail()
        return self.forward(tokens, mask, kingdoms)


def fail_on_gpu():
    raise torch.OutOfMemoryError("tried to allocate 2 GiB")


def fail_on_cpu():
    torch.empty(2**48)


def fail_in_python():
    raise MemoryError


FAILURES = pytest.mark.parametrize("fail", [fail_on_gpu, fail_on_cpu, fail_in_python])


@FAILURES
def test_batch_too_large_for_the_memory_is_halved(taggers, records, fail):
    expected = list(predict_records(records[:20], taggers[:1], batch_size=2))
    taggers[0].forward = SmallMemory(taggers[0], 3, fail)
    assert_same(list(predict_records(records[:20], taggers[:1], batch_size=16)), expected)


@FAILURES
def test_too_little_memory_for_one_protein_is_an_error(taggers, records, fail):
    taggers[0].forward = SmallMemory(taggers[0], 0, fail)
    with pytest.raises(ConfigError, match="expected memory for one protein, found too little"):
        list(predict_records(records[:4], taggers[:1], batch_size=4))


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    sequences=st.lists(st.text("ACDEFGHIKLMNPQRSTVWYBJOUXZ", min_size=1, max_size=90), max_size=7)
)
def test_any_residues_get_a_prediction_that_makes_sense(taggers, sequences):
    records = [SequenceRecord(str(index), text) for index, text in enumerate(sequences)]
    for models in MODELS.values():
        predictions = list(predict_records(records, taggers[models], batch_size=3))
        assert [p.header for p in predictions] == [r.header for r in records]
        for record, prediction in zip(records, predictions, strict=True):
            assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-4)
            own = prediction.probabilities[SP_TYPES.index(prediction.sp_type)]
            assert own == pytest.approx(max(prediction.probabilities), abs=2e-5)
            ends_inside = "ends within the signal peptide" in prediction.caveats
            assert (prediction.cleavage_site is None) == (
                prediction.sp_type == "NO_SP" or ends_inside
            )
            assert (prediction.cleavage_site or 0) < min(len(record.residues), 70)


def test_no_batch_is_refused(taggers, records):
    with pytest.raises(ConfigError, match="batch size: expected 1 or more, found 0"):
        next(predict_records(records, taggers, batch_size=0))


def test_eukaryotes_have_one_type_with_the_sum_of_all(taggers, records):
    options = Options(sums_types=True)
    for models in MODELS.values():
        plain = list(predict_records(records, taggers[models], 8))
        summed = list(predict_records(records, taggers[models], 8, options=options))
        assert {prediction.sp_type for prediction in summed} == {"NO_SP", "SP"}
        for before, after in zip(plain, summed, strict=True):
            assert after.probabilities[1] == pytest.approx(sum(before.probabilities[1:]), abs=1e-5)
            assert after.probabilities[2:] == (0, 0, 0, 0)
            if abs(after.probabilities[1] - after.probabilities[0]) > 1e-4:
                assert after.probability == max(after.probabilities)
            if after.cleavage_site is None:
                assert after.sp_type == "NO_SP" or after.caveats
            assert not after.motifs


def test_uncertain_signal_peptides_are_none(taggers, records):
    plain = list(predict_records(records, taggers[:1], 8))
    least = statistics.median(p.probability for p in plain if p.sp_type != "NO_SP")
    options = Options(min_probability=least)
    certain = list(predict_records(records, taggers[:1], 8, options=options))
    changed = [(a, b) for a, b in zip(plain, certain, strict=True) if a != b]
    assert 0 < len(changed) < len(records)
    for before, after in zip(plain, certain, strict=True):
        is_uncertain = before.sp_type != "NO_SP" and before.probability < least
        assert (before != after) == is_uncertain
        assert after.probabilities == before.probabilities
    for _, after in changed:
        assert after.sp_type == "NO_SP"
        assert after.cleavage_site is after.cleavage_site_probability is None
        assert after.regions == after.motifs == ()


def test_residues_have_region_probabilities_when_asked_for(taggers, records):
    options = Options(has_region_probabilities=True)
    for models in MODELS.values():
        for record, found in zip(
            records, predict_records(records, taggers[models], 8, options=options), strict=True
        ):
            rows = torch.tensor(found.region_probabilities)
            assert rows.shape == (min(70, len(record.residues)), len(RESIDUE_REGIONS))
            torch.testing.assert_close(rows.sum(dim=1), torch.ones(len(rows)), atol=1e-4, rtol=0)
    assert next(predict_records(records, taggers, 8)).region_probabilities is None


def test_scores_that_are_no_numbers_are_refused(taggers, records):
    taggers[1].head.emissions.weight.data[3, 2] = float("nan")
    with pytest.raises(CheckpointError, match="expected finite scores, found others"):
        list(predict_records(records[:4], taggers, batch_size=4))
