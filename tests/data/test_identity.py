from dataclasses import replace

import pytest

from peftsp.data.identity import dataset_digest
from peftsp.data.labelled import read_labelled
from peftsp.data.synthetic import SyntheticProteins


def test_order_and_file_do_not_matter(tmp_path):
    records = SyntheticProteins(60, seed=3).load()
    path = tmp_path / "mine.fasta"
    path.write_text(
        "".join(
            f">{r.accession}|{r.kingdom}|{r.sp_type}|{r.partition}\n{r.residues}\n{r.annotation}\n"
            for r in reversed(records)
        )
    )
    assert dataset_digest(read_labelled(path)) == dataset_digest(records)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("accession", "other"),
        ("kingdom", "other"),
        ("sp_type", "other"),
        ("partition", 9),
        ("residues", "MMM"),
        ("annotation", "OOO"),
    ],
)
def test_each_field_matters(field, value):
    first, *others = SyntheticProteins(60, seed=3).load()
    changed = replace(first, **{field: value})
    assert dataset_digest([changed, *others]) != dataset_digest([first, *others])
