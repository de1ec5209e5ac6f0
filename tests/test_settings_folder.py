"""The settings are found in a checkout and in an installed package."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from peftsp import settings_folder


def load_from(folder):
    """The module as it would be in a package elsewhere."""
    path = shutil.copy(settings_folder.__file__, folder / "settings_folder.py")
    spec = importlib.util.spec_from_file_location("settings_folder_elsewhere", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_checkout_has_them_beside_the_package():
    assert Path(__file__).resolve().parents[1] / "conf" == settings_folder.CONF
    assert (settings_folder.CONF / "train.yaml").is_file()


@pytest.mark.parametrize(
    ("folders", "found"),
    [
        (["site/peftsp/conf"], "site/peftsp/conf"),
        (["site/conf"], "site/conf"),
        (["site/peftsp/conf", "site/conf"], "site/peftsp/conf"),
    ],
    ids=["inside", "beside", "both"],
)
def test_those_inside_the_package_come_first(tmp_path, folders, found):
    for folder in ["site/peftsp", *folders]:
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    assert tmp_path / found == load_from(tmp_path / "site/peftsp").CONF


def test_file_of_that_name_is_no_folder_of_settings(tmp_path):
    (tmp_path / "peftsp").mkdir()
    (tmp_path / "peftsp" / "conf").write_text("of another program")
    (tmp_path / "conf").mkdir()
    assert tmp_path / "conf" == load_from(tmp_path / "peftsp").CONF
