"""What a bundle says of the model that it was trained on from."""

from pathlib import Path

import pytest

from peftsp.backbone.specs import BackboneSource, BackboneSpec
from peftsp.model.bundle import Bundle
from peftsp.model.settings import CRFSettings, HeadSettings
from peftsp.peft.frozen import Frozen
from peftsp.training.card import describe_start, papers_of
from peftsp.training.start import Start


@pytest.fixture
def make_start():
    """Function of papers and of what the model's bundle says that gives a model to begin from."""

    def make(papers=None, *, is_kept=True, **training):
        bundle = Bundle(
            BackboneSource(BackboneSpec("tiny", 1, 16, 2), "random"),
            "b" * 64,
            {"method": "lora", "rank": 4},
            HeadSettings(0.1, 0, 0.0, True),
            CRFSettings("hard", "peftsp", "of_type"),
            training,
            {},
        )
        return Start(
            "accurate", Path("accurate"), bundle, Frozen(), "a" * 64, papers or {}, is_kept, True
        )

    return make


@pytest.mark.parametrize(("is_kept", "method"), [(True, "lora trained on"), (False, "lora merged")])
def test_bundle_says_where_it_comes_from(make_start, is_kept, method):
    expected = {"init_from": "accurate", "sha256": "a" * 64, "method": method}
    assert describe_start(make_start(is_kept=is_kept)) == {"start": expected}


def test_licence_is_inherited_and_nothing_else(make_start):
    found = describe_start(make_start(licence="GPL-3.0-or-later", fold=3, name="other"))
    assert found.keys() == {"start", "licence"}
    assert found["licence"] == "GPL-3.0-or-later"


def test_card_names_the_model_and_its_licence(make_start):
    papers = papers_of(make_start(licence="GPL-3.0-or-later"), "mine")
    assert papers.keys() == {"README.md"}
    card = papers["README.md"]
    assert card.startswith("# mine\n")
    assert "Trained on from `accurate`, content hash " + "a" * 64 in card
    assert "whose licence holds: GPL-3.0-or-later." in card
    assert card.endswith("\n")


def test_model_without_card_and_licence_is_told_of_by_its_hash_alone(make_start):
    [card] = papers_of(make_start(), "mine", "Averaged").values()
    assert card == "# mine\n\nAveraged from `accurate`, content hash " + "a" * 64 + ".\n"


def test_card_of_the_model_is_kept_beside_the_new_one(make_start):
    given = {"README.md": "the old card", "LICENSE": "terms", "backbone/NOTICE": "thanks"}
    papers = papers_of(make_start(given), "mine")
    assert "the old card" not in papers["README.md"]
    assert "(START.md)" in papers["README.md"]
    assert papers["START.md"] == "the old card"
    assert {name: papers[name] for name in ("LICENSE", "backbone/NOTICE")} == {
        "LICENSE": "terms",
        "backbone/NOTICE": "thanks",
    }
    assert given["README.md"] == "the old card"
