"""The page of settings that `docs/hooks.py` makes has every file of `conf/`."""

import runpy
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_file_of_settings_is_on_the_page():
    pytest.importorskip("mkdocs")
    page = runpy.run_path(str(REPOSITORY / "docs" / "hooks.py"))["_settings"]()
    folder = REPOSITORY / "conf"
    files = {path: path.read_text().strip() for path in folder.glob("*/**/*.yaml")}
    files |= {path: path.read_text().split("\nhydra:")[0] for path in folder.glob("*.yaml")}
    assert not [str(path) for path, text in files.items() if text not in page]
