import random

import pytest
import torch
from untrained import lean_to_types

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA
from peftsp.peft.prompt import Prompt
from peftsp.records import SequenceRecord

LORA = LoRA(2, 2, 0.5, ["q_proj", "fc1"], 1)
PROMPT = Prompt("all", 3, None, None)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Folders of a LoRA and of a prompt, which use all that a head has."""
    folder = tmp_path_factory.mktemp("bundles")
    return [save(folder / "lora", 1, LORA), save(folder / "prompt", 4, PROMPT)]


def save(folder, seed, method):
    torch.manual_seed(seed)
    head = HeadSettings(0.5, 3, 0.1, True, context_window=3, shares_types=True)
    crf = CRFSettings("hard", "peftsp", "of_type", residues=True, temperature=2.0)
    backbone = load_backbone(BackboneSpec("tiny", 2, 16, 2), "random")
    tagger = build_tagger(backbone, method, head, crf)
    lean_to_types(tagger)
    save_bundle(Bundle.from_tagger(tagger, head, crf, {}), folder)
    return folder


@pytest.fixture(scope="session")
def records():
    """24 proteins of all lengths, with a residue that is not known here and there."""
    rng = random.Random(0)
    lengths = [70, 200, *range(4, 70, 3)]
    letters = "ACDEFGHIKLMNPQRSTVWYX"
    return [
        SequenceRecord(f"p{number}", "".join(rng.choices(letters, k=length)))
        for number, length in enumerate(lengths)
    ]


@pytest.fixture(scope="session")
def fasta(records, tmp_path_factory):
    """File of the same."""
    path = tmp_path_factory.mktemp("fasta") / "proteins.fasta"
    path.write_text("".join(f">{record.header}\n{record.residues}\n" for record in records))
    return path
