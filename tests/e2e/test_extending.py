"""The examples of docs/extending.md do what the page says, each from the page's own text."""

import importlib
import re
import sys
from pathlib import Path

import pytest

from peftsp.inference.commands.predict import main
from peftsp.inference.formats.registry import FORMATS
from peftsp.prepare.entry import Unusable
from peftsp.training.cli import main as train

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = (REPOSITORY / "docs" / "extending.md").read_text()
BLOCKS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
PROTEINS = REPOSITORY / "examples" / "proteins.fasta"


@pytest.fixture
def example(tmp_path, monkeypatch):
    """Imports a file of the page from a folder of its own."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def load(place):
        path = tmp_path / "mylab" / Path(place).name
        path.parent.mkdir(exist_ok=True)
        path.write_text(BLOCKS[place])
        return importlib.import_module(f"mylab.{path.stem}")

    yield load
    for name in set(sys.modules) - before:
        if name.startswith("mylab"):
            del sys.modules[name]


def test_page_has_the_three_examples():
    assert [Path(place).stem for place in BLOCKS] == ["norms", "bed", "pairs"]


@pytest.mark.slow
def test_a_method_trains_and_predicts_from_outside_the_package(example, tmp_path, monkeypatch):
    example("mylab/norms.py")
    command = re.search(r"^python train\.py (.*)$", PAGE, re.MULTILINE)[1].split()
    run = tmp_path / "run"
    monkeypatch.setattr(
        sys, "argv", ["train", *command, "debug=default", f"paths.output_dir={run}", "test=false"]
    )
    assert not train()
    asked = [str(PROTEINS), "--bundle", str(run / "bundle"), "-o", str(tmp_path / "out")]
    assert main(asked) == 2
    assert main([*asked, "--allow-code", "mylab"]) == 0


def test_a_format_is_a_choice_once_it_is_listed(example, tmp_path, monkeypatch):
    bed = example("peftsp/inference/formats/bed.py").BED
    monkeypatch.setitem(FORMATS, bed.name, bed)
    out = tmp_path / "out"
    asked = [str(PROTEINS), "--model", "fast", "--formats", "bed", "-o", str(out), "--no-progress"]
    assert main(asked) == 0
    lines = (out / "signal_peptides.bed").read_text().splitlines()
    assert lines
    assert all(re.fullmatch(r"\S+\t0\t\d+\t[A-Z]+", line) for line in lines)


def test_a_source_gives_entries_and_reasons(example, tmp_path):
    (tmp_path / "own.txt").write_text("MKKTAIAIAVALAGFATVAQA 21\nMSTNPKPQRK 0\nMSTN\n")
    read = example("peftsp/prepare/sources/pairs.py").read_pairs
    secreted, inside, wrong = read(tmp_path / "own.txt")
    assert (secreted.label.sp_type, secreted.label.site) == ("SP", 21)
    assert (inside.label.sp_type, inside.label.site) == ("NO_SP", None)
    assert isinstance(wrong, Unusable)
    assert wrong.reason == "expected a sequence and a number, found 'MSTN'"
