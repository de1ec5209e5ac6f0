"""The picture of the packages is of the import rules, and these know every package."""

import re
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "docs"))

import pictures  # noqa: E402


def test_picture_is_drawn_from_the_rules_that_hold():
    assert pictures.PACKAGES.read_text() == pictures.draw_packages(), "run python docs/pictures.py"


def test_every_package_is_in_the_picture():
    drawn = set(re.findall(r">(\w+)</text>", pictures.draw_packages()))
    assert {path.parent.name for path in (REPOSITORY / "peftsp").glob("*/__init__.py")} <= drawn
