"""What a bundle has seen follows from what it says of its training."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from peftsp.data.folds import split
from peftsp.data.identity import dataset_digest, sequence_mark
from peftsp.data.synthetic import SyntheticProteins
from peftsp.evaluate import seen

RECORDS = SyntheticProteins(60, 0).load()


def member(monkeypatch, is_chosen, protocol="nested", **changes):
    """What a bundle of fold 0 has to do with the records."""
    train, validation, _ = split(RECORDS, 0)
    known = [*train, *validation] if is_chosen else train
    training = {
        "name": "a",
        "data": {"fold": 0, "protocol": protocol, "train_splits": ["train"]},
        "dataset": {"sha256": dataset_digest(RECORDS)},
        "proteins": "".join(sequence_mark(record.residues) for record in known),
        "is_chosen": is_chosen,
    } | changes
    monkeypatch.setattr(seen, "read_bundle", lambda _: SimpleNamespace(training=training))
    [found] = seen.members_of([Path("a")], RECORDS)
    return found


@pytest.mark.parametrize(
    ("is_chosen", "protocol", "tests"),
    [(True, "nested", {0: 0}), (False, "nested", {0: 0, 2: 1}), (False, "plain", {0: 0})],
)
def test_a_model_stands_for_all_folds_that_would_train_the_same(
    monkeypatch, is_chosen, protocol, tests
):
    found = member(monkeypatch, is_chosen, protocol)
    assert found.tests == tests
    partitions = {RECORDS[place].partition for place in found.unseen}
    assert partitions == ({0} if is_chosen else {0, 1})


def test_a_model_whose_start_is_unknown_is_still_of_its_fold(monkeypatch):
    found = member(monkeypatch, False, proteins=None)
    assert not found.is_known
    assert (found.fold, found.tests) == (0, {0: 0, 2: 1})
    assert len(found.unseen) == len(RECORDS)
