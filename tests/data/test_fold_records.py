from dataclasses import replace

import pytest

from peftsp.data.fold_records import SPLITS, check_train_splits, fold_records, in_order
from peftsp.data.folds import split
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError

RECORDS = SyntheticProteins(60, seed=0).load()
PARTS = split(RECORDS, 0)


def test_splits_are_the_partitions_of_the_fold():
    records = fold_records(PARTS, [], ["train"], chimeras=0, seed=0)
    assert [records.splits[name] for name in SPLITS] == [in_order(part) for part in PARTS]
    assert records.sizes() == {"train": 20, "validation": 20, "test": 20}
    assert records.notes == []


def test_extra_records_that_validate_or_test_are_left_out_and_counted():
    train, validation, test = PARTS
    extra = [*train[:3], *validation[:2], test[0]]
    records = fold_records(PARTS, extra, ["train"], chimeras=0, seed=0)
    assert records.splits["train"] == in_order(train + train[:3])
    assert records.splits["test"] == in_order(test)
    assert records.notes == [
        "data.extra_path: 3 of 6 records left out, whose sequences or homologs validate or test"
    ]
    everything = fold_records(PARTS, extra, SPLITS, chimeras=0, seed=0)
    assert everything.splits["train"] == in_order([*train, *validation, *test, *extra])
    assert everything.notes == []


def test_sequences_of_several_partitions_are_warned_of():
    train, validation, test = PARTS
    twice = replace(train[0], partition=test[0].partition)
    parts = (train + train[1:2], validation, [*test, twice])
    [note] = fold_records(parts, [], ["train"], chimeras=0, seed=0).notes
    assert note.startswith("data: 1 sequences stand in several partitions")


@pytest.mark.parametrize("splits", [[], ["validation"], ["train", "holdout"]])
def test_unknown_split_to_train_on_is_an_error(splits):
    with pytest.raises(ConfigError, match=r"data\.train_splits: expected train"):
        check_train_splits(splits)


def test_the_order_in_a_file_changes_nothing():
    """As it changes no data set's sha256, by which a run is gone on with."""
    source = SyntheticProteins(300, seed=0).load()
    parts, turned = split(source, 0), split(source[::-1], 0)
    extra = SyntheticProteins(60, seed=5).load()
    found, again = (
        fold_records(of, e, ["train"], chimeras=5, seed=1)
        for of, e in ((parts, extra), (turned, extra[::-1]))
    )
    assert found == again
    assert found.chimeras > 0
    assert parts != turned
