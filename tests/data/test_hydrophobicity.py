import numpy as np
import pytest

from peftsp.data.hydrophobicity import hydrophobic_position
from peftsp.labels import ANNOTATION_LETTER

VALUES = [4.5, 4.2, 3.8, 2.8, 2.5, 1.9, 1.8, -0.4, -0.7, -0.8, -0.9, -1.3, -1.6, -3.2]
KYTE_DOOLITTLE = dict(zip("IVLFCMAGTSWYPHEQDNKR", [*VALUES, *[-3.5] * 4, -3.9, -4.5], strict=True))


def plain_position(peptide: str) -> int:
    best, best_start = float("-inf"), 0
    for start in range(max(len(peptide) - 7, 1)):
        score = 0.0
        for residue in peptide[start : start + 7]:
            score += KYTE_DOOLITTLE[residue]
        if score > best:
            best, best_start = score, start
    return best_start + 4


def test_agrees_with_the_published_labels(real_records, shared):
    golden = np.load(shared / "golden" / "labels" / "all_hydrophobic_pos.npy")
    found = []
    for record in real_records:
        letter = ANNOTATION_LETTER[record.sp_type] or "I"
        found.append(hydrophobic_position(record.residues[: record.annotation.rfind(letter) + 1]))
    assert found == golden.tolist()


def test_agrees_with_plain_loops_on_random_peptides():
    rng = np.random.default_rng(0)
    for _ in range(300):
        # Few kinds of residues, so that windows tie and rounding decides.
        peptide = "".join(rng.choice(list("LAVK"), rng.integers(0, 30)))
        assert hydrophobic_position(peptide) == plain_position(peptide)


@pytest.mark.parametrize(
    ("unusual", "like"), [("B", "D"), ("Z", "E"), ("U", "C"), ("O", "K"), ("J", "L"), ("J", "I")]
)
def test_unusual_residues_count_like_those_they_stand_for(unusual, like):
    for stretch in ("AAAA", "FFFF"):
        peptide = "MKTNS{0}{0}{0}" + stretch + "LSGQST"
        assert hydrophobic_position(peptide.format(unusual)) == plain_position(peptide.format(like))


def test_unknown_residue_is_neutral():
    assert hydrophobic_position("RRRRRRRXXXXXXXRRRRRRRR") == 7 + 4
    assert hydrophobic_position("AAAAAAAXXXXXXXAAAAAAA") == 0 + 4
