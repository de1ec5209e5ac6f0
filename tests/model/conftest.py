"""Small models, and every legal path through a few residues."""

import pytest
import torch

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.labels import ALLOWED_ENDS, ALLOWED_STARTS, ALLOWED_TRANSITIONS, STATES
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA

SPEC = BackboneSpec("small", layers=2, width=16, heads=2)
HEAD = HeadSettings(dropout=0.1, kingdom_embedding=0, kingdom_dropout=0.1, trainable=True)
CRF = CRFSettings("hard", "peftsp", "of_type")
METHOD = LoRA(2, 4, 0.1, ("q_proj", "v_proj"), None)


@pytest.fixture(scope="session")
def make_tagger():
    """Function of settings that gives a small model whose LoRA has an effect."""

    def make(head=HEAD, crf=CRF, method=METHOD, *, seed=0, backbone=None):
        backbone = backbone or load_backbone(SPEC, "random", seed=5)
        torch.manual_seed(seed)
        tagger = build_tagger(backbone, method, head, crf)
        for name, parameter in tagger.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(parameter, std=0.3)
        return tagger.eval()

    return make


@pytest.fixture
def make_bundle(make_tagger, tmp_path):
    """Function of a folder name and settings that writes a bundle and returns its folder."""

    def make(name="bundle", head=HEAD, crf=CRF, **settings):
        folder = tmp_path / name
        tagger = make_tagger(head, crf, **settings)
        save_bundle(Bundle.from_tagger(tagger, head, crf, {"fold": 2}), folder)
        return folder

    return make


@pytest.fixture
def bundle(make_bundle):
    """Folder of a bundle on a small random backbone."""
    return make_bundle()


@pytest.fixture(scope="session")
def tokens():
    """int64, (2, 12): ten residues, and seven with padding behind them."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randint(4, 24, (2, 12), generator=generator)
    tokens[:, 0] = 0
    tokens[0, 11] = tokens[1, 8] = 2
    tokens[1, 9:] = 1
    return tokens


@pytest.fixture(scope="session")
def legal_paths():
    """Function of a length that gives all legal paths, int64, (paths, length)."""

    def of(length):
        steps = {state: [b for a, b in ALLOWED_TRANSITIONS if a == state] for state in range(37)}
        paths = [(state,) for state in ALLOWED_STARTS]
        for _ in range(length - 1):
            paths = [(*path, state) for path in paths for state in steps[path[-1]]]
        return torch.tensor([path for path in paths if path[-1] in ALLOWED_ENDS])

    assert len(STATES) == 37
    return of
