import math

import pytest
import torch

from peftsp.data.batch import collate_tokens
from peftsp.data.tokens import tokenize
from peftsp.inference.compute.ensemble import average_marginals, decode_marginals
from peftsp.inference.compute.pipeline import predict_records
from peftsp.labels import (
    ALLOWED_ENDS,
    ALLOWED_STARTS,
    ALLOWED_TRANSITIONS,
    SP_TYPES,
    STATES,
    TYPE_OF_STATE,
)


def legal_paths(length, sp_type):
    """Every legal path of a type, by enumeration."""
    own = [state for state, owner in enumerate(TYPE_OF_STATE) if owner == sp_type]
    paths = [[state] for state in own if state in ALLOWED_STARTS]
    for _ in range(length - 1):
        paths = [[*p, s] for p in paths for s in own if (p[-1], s) in ALLOWED_TRANSITIONS]
    return [path for path in paths if path[-1] in ALLOWED_ENDS]


def random_marginals(lengths, sp_type, seed=0):
    """State probabilities that favour a type."""
    generator = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(len(lengths), max(lengths), len(STATES), generator=generator)
    scores[..., torch.tensor(TYPE_OF_STATE) == sp_type] += 7
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return scores.softmax(dim=-1) * mask[..., None], mask


@pytest.mark.parametrize("sp_type", range(len(SP_TYPES)), ids=SP_TYPES)
def test_path_is_the_legal_one_of_the_greatest_product(sp_type):
    lengths = [9, 8, 7, 6, 9]
    marginals, mask = random_marginals(lengths, sp_type)
    decoded = decode_marginals(marginals, mask)
    assert decoded.sp_types.tolist() == [sp_type] * len(lengths)
    for row, length in enumerate(lengths):
        table = marginals[row].tolist()

        def product(path, table=table):
            return math.prod(table[position][state] for position, state in enumerate(path))

        best = max(legal_paths(length, sp_type), key=product)
        assert decoded.paths[row, :length].tolist() == best
        assert (decoded.paths[row, length:] == -1).all()


@pytest.mark.parametrize("sp_type", range(len(SP_TYPES)), ids=SP_TYPES)
def test_path_stays_in_its_type_where_residues_are_too_few(sp_type):
    marginals, mask = random_marginals([2, 1], sp_type)
    decoded = decode_marginals(marginals, mask)
    states = decoded.paths[decoded.paths >= 0].tolist()
    assert {TYPE_OF_STATE[state] for state in states} == {sp_type}


def test_impossible_states_are_not_taken():
    sp_type = SP_TYPES.index("SP")
    marginals, mask = random_marginals([9], sp_type)
    marginals[0, :5, STATES.index("SP_H")] = 0
    path = decode_marginals(marginals, mask).paths[0].tolist()
    assert path.index(STATES.index("SP_H")) >= 5


@pytest.mark.parametrize("rounding", [-1e-7, 0.0, 1e-7])
def test_first_of_equally_probable_types_wins(rounding):
    marginals = torch.zeros(1, 9, len(STATES))
    marginals[..., STATES.index("SP_O")] = 0.5 - rounding
    marginals[..., STATES.index("TAT_O")] = 0.5 + rounding
    decoded = decode_marginals(marginals, torch.ones(1, 9, dtype=torch.bool))
    assert decoded.sp_types.tolist() == [SP_TYPES.index("SP")]


def test_type_probabilities_are_the_mean_over_models(taggers, records):
    together = predict_records(records, taggers, batch_size=32)
    apart = zip(
        *(predict_records(records, [tagger], batch_size=32) for tagger in taggers), strict=True
    )
    for prediction, (first, second) in zip(together, apart, strict=True):
        pairs = zip(first.probabilities, second.probabilities, strict=True)
        expected = [(a + b) / 2 for a, b in pairs]
        assert prediction.probabilities == pytest.approx(expected, abs=1e-5)


def test_marginals_sum_to_one_at_residues_and_to_zero_in_padding(taggers):
    batch = collate_tokens([tokenize("MKLLAVA"), tokenize("MKL")])
    with torch.no_grad():
        emissions = [tagger(batch.tokens, batch.mask, batch.kingdoms) for tagger in taggers]
        marginals = average_marginals(taggers, emissions, batch.residue_mask)
    torch.testing.assert_close(marginals.sum(dim=-1), batch.residue_mask.float())


def test_order_of_the_models_does_not_matter(taggers, records):
    forwards = list(predict_records(records, taggers, batch_size=32))
    backwards = list(predict_records(records, taggers[::-1], batch_size=32))
    assert forwards == backwards
