"""A model put together: what trains, what is saved, how it decodes."""

import torch

from peftsp.data.tokens import tokenize
from peftsp.labels import STATES
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.peft.full import Full

HEAD = HeadSettings(dropout=0.1, kingdom_embedding=4, kingdom_dropout=0.1, trainable=True)


def test_kingdom_embedding_is_saved(make_tagger):
    names = make_tagger(HEAD).trained_names()
    assert "head.kingdoms.weight" in names


def test_full_fine_tuning_saves_everything(make_tagger):
    tagger = make_tagger(method=Full(0.0))
    assert tagger.trained_names() == set(tagger.state_dict())


def test_emissions_pass_through_backbone_and_head(make_tagger, tokens):
    tagger = make_tagger()
    mask = tokens != 1
    kingdoms = torch.tensor([-1, 2])
    emissions = tagger(tokens, mask, kingdoms)
    assert emissions.shape == (2, 10, len(STATES))
    residues = tagger.backbone(tokens, mask)
    expected = tagger.head(residues, kingdoms, mask[:, 2:])
    torch.testing.assert_close(emissions, expected)


def test_decoding_follows_its_setting(make_tagger):
    differing = 0
    taggers = [make_tagger(crf=CRFSettings("hard", "peftsp", d)) for d in ("of_type", "free")]
    for seed in range(40):
        emissions = torch.randn(1, 8, len(STATES), generator=torch.Generator().manual_seed(seed))
        mask = torch.ones(1, 8).bool()
        found = [t.decode(emissions, t.crf.marginals(emissions, mask), mask) for t in taggers]
        differing += not torch.equal(found[0].paths, found[1].paths)
    assert differing > 0


def test_table_without_constraints_allows_every_path(make_tagger):
    crf = make_tagger(crf=CRFSettings("hard", "none", "free")).crf
    emissions = torch.zeros(1, 3, len(STATES))
    wanted = torch.tensor([[0, 30, 5]])
    emissions.scatter_(2, wanted[..., None], 50.0)
    assert torch.equal(crf.decode(emissions, torch.ones(1, 3).bool()), wanted)


def test_merging_keeps_the_emissions(make_tagger, tokens):
    tagger = make_tagger()
    mask, kingdoms = tokens != 1, torch.tensor([-1, -1])
    expected = tagger(tokens, mask, kingdoms)
    tagger.merge()
    torch.testing.assert_close(tagger(tokens, mask, kingdoms), expected, rtol=1e-4, atol=1e-5)
    assert not [name for name, _ in tagger.named_parameters() if "lora" in name]


def test_no_path_cuts_a_lipoprotein_in_front_of_anything_but_cysteine(make_tagger):
    tagger = make_tagger(crf=CRFSettings("hard", "peftsp", "of_type", residues=True)).eval()
    lipids = [STATES.index("LIPO_C1"), STATES.index("TATLIPO_C1")]
    residues = "MKKLLLLLLLLAGCSSNXEEEE"
    tokens = torch.tensor([tokenize(residues)])
    mask = torch.ones_like(tokens, dtype=torch.bool)
    with torch.no_grad():
        emissions = tagger(tokens, mask, torch.tensor([-1]))
        # Even where the model is sure of a lipoprotein.
        emissions[:, :, STATES.index("LIPO_N") : STATES.index("TAT_N")] += 50
        marginals = tagger.crf.marginals(emissions, mask[:, 2:])
    is_possible = (marginals[0][:, lipids] > 0).any(dim=1)
    assert [residues[index] for index in is_possible.nonzero().flatten()] == ["C", "X"]
    assert marginals.isfinite().all()
