"""Records beside the data set train where nothing of them validates or tests."""

from dataclasses import replace

from peftsp.data.extra import trainable
from peftsp.data.synthetic import SyntheticProteins

HELD, OTHER, *_ = SyntheticProteins(60, 0).load()


def test_sequences_that_are_held_back_do_not_train():
    same = replace(OTHER, residues=HELD.residues, partition=7)
    assert trainable([same, OTHER], [HELD]) == [OTHER]


def test_homologs_of_what_is_held_back_do_not_train():
    near = replace(OTHER, partition=-1, near=(HELD.partition, 8))
    far = replace(OTHER, partition=-1, near=(7, 8))
    assert trainable([near, far], [HELD]) == [far]
