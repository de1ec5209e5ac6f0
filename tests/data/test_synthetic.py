import re
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import matthews_corrcoef

from peftsp.data.folds import split
from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.data.legality import has_legal_path
from peftsp.data.regions import cleavage_site, region_bitmaps
from peftsp.data.synthetic import SyntheticProteins
from peftsp.errors import ConfigError
from peftsp.labels import KINGDOMS, SP_TYPES


@pytest.fixture(scope="module")
def records():
    return SyntheticProteins(600, seed=0).load()


def test_every_record_can_be_written_read_and_trained_on(records, tmp_path):
    write_labelled(records, tmp_path / "synthetic.fasta")
    assert read_labelled(tmp_path / "synthetic.fasta") == records
    lengths = np.array([len(record.residues) for record in records])
    assert has_legal_path(region_bitmaps(records), lengths).all()


@pytest.mark.parametrize("count", [60, 600])
def test_every_kingdom_and_type_is_in_every_partition(count):
    cells = Counter(
        (r.kingdom, r.sp_type, r.partition) for r in SyntheticProteins(count, seed=1).load()
    )
    expected = {
        (kingdom, sp_type, partition)
        for kingdom in KINGDOMS
        for sp_type in (("NO_SP", "SP") if kingdom == "EUKARYA" else SP_TYPES)
        for partition in range(3)
    }
    assert set(cells) == expected
    assert max(cells.values()) - min(cells.values()) <= 1
    assert sum(cells.values()) == count


def test_seed_decides_the_proteins(records):
    assert SyntheticProteins(600, seed=0).load() == records
    other = SyntheticProteins(600, seed=1).load()
    assert not {r.residues for r in other} & {r.residues for r in records}


def test_all_are_different_and_some_are_short(records):
    assert len({record.residues for record in records}) == len(records)
    lengths = Counter(len(record.residues) for record in records)
    assert max(lengths) == 70
    assert 0.02 < 1 - lengths[70] / 600 < 0.2


def test_signal_peptides_carry_the_motifs_of_their_type(records):
    for record in records:
        site = cleavage_site(record)
        if site is None:
            continue
        peptide, mature = record.residues[:site], record.residues[site:]
        if record.sp_type.startswith("TAT"):
            assert re.search("SRR[DQESN]F[LI]K", peptide)
        if record.sp_type in ("SP", "TAT"):
            assert peptide[-1] == peptide[-3] == "A"
        elif record.sp_type in ("LIPO", "TATLIPO"):
            assert peptide[-3] == "L"
            assert mature[0] == "C"
        else:
            assert peptide[-1] == "G"
            assert mature[0] == "F"


def test_proteins_without_signal_peptide_are_soluble_or_in_the_membrane(records):
    annotations = [record.annotation for record in records if record.sp_type == "NO_SP"]
    assert any(set(annotation) == {"I"} for annotation in annotations)
    assert {annotation[0] for annotation in annotations if "M" in annotation} == {"I", "O"}


def test_types_can_be_learned_from_other_partitions(records):
    train, _, test = split(records, 0)
    kmers = CountVectorizer(analyzer="char", ngram_range=(1, 3))
    counts = kmers.fit_transform(record.residues[:40] for record in train)
    model = LogisticRegression(max_iter=300).fit(counts, [record.sp_type for record in train])
    predicted = model.predict(kmers.transform(record.residues[:40] for record in test))
    assert matthews_corrcoef([record.sp_type for record in test], predicted) > 0.6


def test_too_few_are_refused():
    with pytest.raises(ConfigError, match=r"^synthetic proteins: expected 60 or more, found 59$"):
        SyntheticProteins(59, seed=0).load()
