"""Files of pictures: which, how they are called, that they can be read, that workers agree."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from peftsp.inference.formats.figure_files import PDF, PNG, SVG, file_name, save


def test_only_signal_peptides_are_drawn(tmp_path, make_prediction, make_facts):
    types = ["NO_SP", "SP", "NO_SP", "PILIN"]
    found = [make_prediction(f"p{index}", kind) for index, kind in enumerate(types)]
    PNG.write(lambda: iter(found), tmp_path, make_facts(4))
    paths = sorted((tmp_path / "figures_png").iterdir())
    assert [path.name for path in paths] == ["2_p1.png", "4_p3.png"]
    for path in paths:
        with Image.open(path) as image:
            image.load()
            assert len(image.convert("L").getcolors()) > 50


def test_names_are_safe_and_unique(make_prediction, hostile):
    headers = [*hostile, "../../etc/passwd", "CON", ".", "a" * 500, "same", "SAME", "same"]
    names = [file_name(make_prediction(h), n, 4000, "pdf") for n, h in enumerate(headers, 1)]
    assert len({name.lower() for name in names}) == len(headers)
    for name in names:
        assert re.fullmatch(r"\d{4}(_[A-Za-z0-9][A-Za-z0-9._-]*)?\.pdf", name)
        assert len(name) < 80


def test_vector_pictures_keep_their_text(tmp_path, make_prediction, hostile):
    for number, header in enumerate(hostile):
        prediction = make_prediction(header)
        path = tmp_path / f"{number}.svg"
        save(prediction, path)
        words = [node.text for node in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]
        assert prediction.identifier in words
        assert words.count("W") == prediction.residues[:70].count("W")
    save(make_prediction(), tmp_path / "p.pdf")
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF-")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("choice", "count"), [(PNG, 9), (SVG, 3), (PDF, 3)], ids=["png", "svg", "pdf"]
)
def test_workers_draw_the_same_bytes(tmp_path, make_prediction, make_facts, choice, count):
    """Of one kind more than wait for the workers."""
    found = [make_prediction(f"p{index}") for index in range(count)]
    for workers in (1, 2):
        (tmp_path / str(workers)).mkdir()
        choice.write(lambda: iter(found), tmp_path / str(workers), make_facts(count, workers))
    paths = sorted((tmp_path / "1").glob("*/*"))
    assert len(paths) == count
    for path in paths:
        twin = tmp_path / "2" / path.relative_to(tmp_path / "1")
        assert path.read_bytes() == twin.read_bytes()


def test_kinds_stand_side_by_side(tmp_path, make_prediction, make_facts):
    for choice in (PNG, SVG):
        choice.write(lambda: iter([make_prediction("one")]), tmp_path, make_facts(1))
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*g"))
    assert names == ["figures_png/1_one.png", "figures_svg/1_one.svg"]


@pytest.mark.parametrize("name", ["\ufeffP1", "P\x00", "P\x1b[2J", "\ud800", "P\uffff", "<&'\"$_"])
def test_any_name_makes_files_that_programs_read(tmp_path, make_prediction, name):
    for kind in ("svg", "pdf"):
        save(make_prediction(name), tmp_path / f"p.{kind}")
    ET.parse(tmp_path / "p.svg")
    assert (tmp_path / "p.pdf").read_bytes().startswith(b"%PDF")


def test_workers_import_no_pytorch():
    code = "import sys, peftsp.inference.formats.figure_files; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"
