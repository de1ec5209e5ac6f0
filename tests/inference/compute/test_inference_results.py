"""What is made of emissions: type, cleavage site, regions, motifs."""

import pytest
import torch

from peftsp.inference.compute.evidence import ENOUGH_RESIDUES
from peftsp.inference.compute.pipeline import Options, predict_records
from peftsp.labels import SP_TYPES, STATE_INDEX, STATES
from peftsp.records import Region, SequenceRecord

MODELS = {"one model": slice(0, 1), "two models": slice(0, 2)}


def states_of(sp_type, path):
    """A path long enough to judge by: its last state goes on."""
    regions = path.split()
    regions += regions[-1:] * (ENOUGH_RESIDUES - len(regions))
    return torch.tensor([STATE_INDEX[f"{sp_type}_{region}"] for region in regions])


def forget_scores(crf):
    for name in ("transitions", "start_transitions", "end_transitions"):
        crf.get_parameter(name).data.zero_()


PATHS = [
    ("NO_SP", "I I M M O O", None, []),
    ("SP", "N N H H H C C O O", 7, [("n", 1, 2), ("h", 3, 5), ("c", 6, 7)]),
    ("LIPO", "N H H CS CS C1 O O", 5, [("n", 1, 1), ("h", 2, 3), ("c", 4, 5)]),
    ("TAT", "N RR RR N H H C O M", 7, [("n", 1, 4), ("h", 5, 6), ("c", 7, 7)]),
    ("TATLIPO", "N RR N H CS C1 O", 5, [("n", 1, 3), ("h", 4, 4), ("c", 5, 5)]),
    ("PILIN", "P P CS H H O M I", 2, [("n", 1, 2), ("h", 4, 5)]),
]


@pytest.mark.parametrize(("sp_type", "path", "site", "regions"), PATHS)
@pytest.mark.parametrize("models", MODELS.values(), ids=MODELS)
def test_prediction_says_what_the_emissions_say(taggers, sp_type, path, site, regions, models):
    states = states_of(sp_type, path)
    emissions = 100.0 * torch.nn.functional.one_hot(states, len(STATES))[None]
    for tagger in taggers:
        tagger.forward = lambda tokens, mask, kingdoms: emissions
    record = SequenceRecord("p", "M" * len(states))
    (prediction,) = predict_records([record], taggers[models], batch_size=4)
    assert prediction.sp_type == sp_type
    assert prediction.probabilities[SP_TYPES.index(sp_type)] == pytest.approx(1)
    assert prediction.cleavage_site == site
    if site is not None:
        assert prediction.cleavage_site_probability == pytest.approx(1)
    assert prediction.regions == tuple(Region(*region) for region in regions)


@pytest.mark.parametrize(
    ("sp_type", "path", "motifs"),
    [
        ("LIPO", "N H H CS CS C1 O O", [("lipid_cysteine", 6, 6)]),
        ("TAT", "N RR RR N H H C O M", [("twin_arginine", 2, 3)]),
        ("TATLIPO", "N RR RR N H CS C1 O", [("twin_arginine", 2, 3), ("lipid_cysteine", 7, 7)]),
        ("SP", "N H C O", []),
    ],
)
def test_motifs_are_told(taggers, sp_type, path, motifs):
    states = states_of(sp_type, path)
    emissions = 100.0 * torch.nn.functional.one_hot(states, len(STATES))[None]
    taggers[0].forward = lambda tokens, mask, kingdoms: emissions
    record = SequenceRecord("p", "M" * len(states))
    (prediction,) = predict_records([record], taggers[:1], batch_size=4)
    assert prediction.motifs == tuple(Region(*motif) for motif in motifs)
    assert prediction.residues == record.residues


def test_cut_of_any_type_counts_for_a_eukaryote(taggers):
    paths = [states_of("SP", "N H C O O"), states_of("TAT", "N H C O O")]
    scores = sum(torch.nn.functional.one_hot(path, len(STATES)) for path in paths)
    taggers[0].forward = lambda tokens, mask, kingdoms: 100.0 * scores[None]
    forget_scores(taggers[0].crf)
    options = Options(sums_types=True)
    record = SequenceRecord("p", "M" * len(paths[0]))
    (found,) = predict_records([record], taggers[:1], batch_size=4, options=options)
    assert (found.sp_type, found.cleavage_site) == ("SP", 3)
    assert found.cleavage_site_probability == pytest.approx(1, abs=1e-3)
    (single,) = predict_records([record], taggers[:1], batch_size=4)
    assert single.cleavage_site_probability < 0.99


def test_site_of_a_eukaryote_is_that_of_the_likeliest_type(taggers):
    """The block of SP may hold none of what is summed up to SP."""
    lipo = states_of("LIPO", "N H H CS CS C1 O O")
    scores = 100.0 * torch.nn.functional.one_hot(lipo, len(STATES))[None]
    for tagger in taggers:
        tagger.forward = lambda tokens, mask, kingdoms: scores
    record = SequenceRecord("p", "M" * len(lipo))
    for models in MODELS.values():
        (found,) = predict_records([record], taggers[models], 4, options=Options(sums_types=True))
        assert (found.sp_type, found.cleavage_site, found.motifs) == ("SP", 5, ())
        assert found.cleavage_site_probability == pytest.approx(1, abs=1e-3)


def test_what_is_no_signal_peptide_is_not_cut(taggers):
    """The best path of all may be cut where NO_SP as a whole is more probable."""
    paths = states_of("SP", "N H C O"), states_of("NO_SP", "I"), states_of("NO_SP", "O")
    scores = sum(torch.nn.functional.one_hot(path, len(STATES)) for path in paths).float()
    scores[1, STATE_INDEX["SP_H"]] += 0.004
    taggers[0].forward = lambda tokens, mask, kingdoms: 100.0 * scores[None]
    taggers[0].decoding = "free"
    forget_scores(taggers[0].crf)
    best = taggers[0].crf.decode(100.0 * scores[None], torch.ones(1, len(scores)) > 0)
    assert torch.equal(best[0], paths[0])
    record = SequenceRecord("p", "M" * len(paths[0]))
    (found,) = predict_records([record], taggers[:1], batch_size=4)
    assert (found.sp_type, found.cleavage_site, found.regions) == ("NO_SP", None, ())
