import random
import subprocess
import sys

import pytest
import torch
from untrained import lean_to_types

from peftsp.backbone.checkpoint import load_backbone
from peftsp.backbone.specs import BackboneSpec
from peftsp.inference.commands.predict import main
from peftsp.model.bundle import Bundle, save_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.settings import CRFSettings, HeadSettings, build_tagger
from peftsp.peft.lora import LoRA
from peftsp.records import SequenceRecord

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"


@pytest.fixture(scope="session")
def save_tiny_bundle():
    """Function that writes a bundle, see `_save_tiny_bundle`."""
    return _save_tiny_bundle


def _save_tiny_bundle(folder, seed=0, kingdom_embedding=0):
    """A bundle of an untrained model whose predictions differ from protein to protein."""
    torch.manual_seed(seed)
    head = HeadSettings(0.5, kingdom_embedding, 0.1, True)
    crf = CRFSettings("hard", "peftsp", "of_type")
    backbone = load_backbone(BackboneSpec("tiny", 2, 16, 2), "random")
    tagger = build_tagger(backbone, LoRA(2, 2, 0.5, ["q_proj", "fc1"], 1), head, crf)
    lean_to_types(tagger)
    save_bundle(Bundle.from_tagger(tagger, head, crf, {}), folder)
    return folder


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Two bundle folders of models that disagree."""
    folder = tmp_path_factory.mktemp("bundles")
    return [_save_tiny_bundle(folder / f"fold{seed}", seed) for seed in (1, 4)]


@pytest.fixture
def taggers(bundles):
    return load_taggers(bundles)


@pytest.fixture(scope="session")
def records():
    """50 proteins, half of them shorter than what a model looks at."""
    rng = random.Random(0)
    return random_records(rng.choice([70, 200, *rng.choices(range(4, 70), k=2)]) for _ in range(50))


@pytest.fixture(scope="session")
def short_records():
    """80 proteins that take little time."""
    rng = random.Random(1)
    return random_records(rng.randint(4, 9) for _ in range(80))


def random_records(lengths):
    rng = random.Random(2)
    return [
        SequenceRecord(f"p{index} made up", "".join(rng.choices(AMINO_ACIDS, k=length)))
        for index, length in enumerate(lengths)
    ]


@pytest.fixture(scope="session")
def write_fasta():
    """Function of a folder and records that writes a FASTA file and returns its path."""

    def write(folder, records):
        path = folder / "proteins.fasta"
        path.write_text("".join(f">{record.header}\n{record.residues}\n" for record in records))
        return path

    return write


@pytest.fixture
def fasta(write_fasta, short_records, tmp_path):
    return write_fasta(tmp_path, short_records)


BATCH_SIZE = 2


@pytest.fixture(autouse=True)
def _one_thread():
    """Commands set the number of threads for the whole process."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def command(fasta, bundles, tmp_path):
    """Arguments of a run of ``peftsp-predict`` that writes to the folder ``out``."""
    return predict_command(fasta, bundles[0], tmp_path / "out")


def predict_command(fasta, bundle, out):
    options = {
        "--bundle": bundle,
        "--output": out,
        "--batch-size": BATCH_SIZE,
        "--threads": 1,
        "--device": "cpu",
    }
    return [str(word) for word in (fasta, *(part for pair in options.items() for part in pair))]


@pytest.fixture(scope="session")
def expected_table(write_fasta, short_records, bundles, tmp_path_factory):
    """The bytes that an uninterrupted run of `command` writes."""
    folder = tmp_path_factory.mktemp("whole")
    assert main(predict_command(write_fasta(folder, short_records), bundles[0], folder)) == 0
    return (folder / "predictions.csv").read_bytes()


KILLED_RUN = """
import os, signal, sys
from importlib import import_module
from peftsp.inference.commands.predict import main
place, name, *command = sys.argv[1:]
module = import_module(f"peftsp.inference.compute.{place}")
unharmed = getattr(module, name)

def killed(*args):
    for index, prediction in enumerate(unharmed(*args)):
        if index == 50:
            os.kill(os.getpid(), signal.SIGKILL)
        yield prediction

setattr(module, name, killed)
main(command)
"""


@pytest.fixture(scope="session")
def run_killed():
    """Function that runs the command in a process which is killed at the 51st prediction."""

    def run(place, name, command):
        """Predict by the function of that name where it is called."""
        arguments = [place, name, *command]
        return subprocess.run([sys.executable, "-c", KILLED_RUN, *arguments], check=False)

    return run
