import pytest

from peftsp.data.folds import Fold, folds_of, nested_folds, split
from peftsp.data.labelled import read_labelled
from peftsp.errors import ConfigError
from peftsp.records import LabelledRecord


def records_of(*partitions: int) -> list[LabelledRecord]:
    return [
        LabelledRecord(f"P{index}", "EUKARYA", "NO_SP", partition, "MKL", "III")
        for index, partition in enumerate(partitions)
    ]


def test_three_partitions_make_six_folds_in_order():
    assert nested_folds([1, 2, 0]) == [
        Fold(test=0, validation=1, train=(2,)),
        Fold(test=0, validation=2, train=(1,)),
        Fold(test=1, validation=0, train=(2,)),
        Fold(test=1, validation=2, train=(0,)),
        Fold(test=2, validation=0, train=(1,)),
        Fold(test=2, validation=1, train=(0,)),
    ]


def test_more_partitions_train_together():
    folds = nested_folds([0, 1, 2, 7])
    assert len(folds) == 12
    assert folds[-1] == Fold(test=7, validation=2, train=(0, 1))


@pytest.mark.parametrize(
    ("partitions", "found"), [([], "none"), ([4, 4], "4"), ([0, 1, 0], "0, 1")]
)
def test_fewer_partitions_are_refused(partitions, found):
    message = f"^nested folds: expected at least 3 partitions, found {found};"
    with pytest.raises(ConfigError, match=message):
        nested_folds(partitions)


@pytest.mark.parametrize("index", range(6))
def test_split_shares_out_every_record_once(index):
    records = records_of(0, 2, 1, 1, 0, 2, 2)
    train, validation, test = split(records, index)
    fold = nested_folds([0, 1, 2])[index]
    assert {record.partition for record in train} == set(fold.train)
    assert {record.partition for record in validation} == {fold.validation}
    assert {record.partition for record in test} == {fold.test}
    assert sorted([*train, *validation, *test], key=records.index) == records


@pytest.mark.parametrize("index", [-1, 6])
def test_fold_out_of_range_is_refused(index):
    with pytest.raises(ConfigError, match=f"^data.fold: expected 0 to 5, found {index}$"):
        split(records_of(0, 1, 2), index)


@pytest.mark.parametrize("name", ["small_dataset_10", "small_dataset_20", "small_dataset_30"])
def test_every_fold_of_the_small_sets_is_filled(name, shared):
    records = read_labelled(shared / "data" / "signalp6" / f"{name}.fasta")
    for index in range(6):
        parts = split(records, index)
        assert all(parts)
        assert sum(map(len, parts)) == len(records)


def test_real_partitions_have_the_published_sizes(real_records):
    train, validation, test = split(real_records, 0)
    assert (len(test), len(validation), len(train)) == (5896, 7392, 7002)


def test_a_plain_protocol_tests_every_partition_once():
    folds = folds_of([0, 1, 2, 7, 9], "plain")
    assert [(fold.test, fold.validation) for fold in folds] == [
        *((0, 1), (1, 2), (2, 7), (7, 9), (9, 0)),
    ]
    assert folds[2].train == (0, 1, 9)
    assert str(folds[2]) == "tests partition 2, validates 7, trains 0, 1, 9"


def test_an_unknown_protocol_is_refused():
    with pytest.raises(ConfigError, match=r"^data\.protocol: expected nested or plain, found 'x'$"):
        folds_of([0, 1, 2], "x")
