"""The training commands in README, documentation and help are commands that work."""

import re
import shlex
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = re.compile(r"^\s*python train\.py (?P<rest>.*)$", re.MULTILINE)
PROSE = re.compile(r"\s{2,}\S.*$")
OPTIONS = {"-m", "...", "--cfg", "job"}


def documented():
    pages = (REPOSITORY / "docs").glob("*.md")
    for path in (REPOSITORY / "README.md", REPOSITORY / "conf/train.yaml", *pages):
        for match in COMMAND.finditer(path.read_text().replace("\\\n", " ")):
            command = PROSE.sub("", match["rest"].partition("#")[0])
            words = shlex.split(command)
            if not {"$settings", "peft._target_=mylab.norms.Norms"} & set(words):
                yield " ".join(word for word in words if word not in OPTIONS)


@pytest.mark.parametrize("command", sorted(set(documented())))
def test_documented_command_composes(resolved, command):
    overrides = []
    for override in OverridesParser.create().parse_overrides(command.split()):
        value = override.get_value_string()
        if override.is_sweep_override():
            value = next(override.sweep_string_iterator())
        overrides.append(f"{override.get_key_element()}={value}")
    assert resolved(*overrides)["name"]


def test_named_bundles_come_from_a_command_on_the_same_page():
    for path in (REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")):
        page = path.read_text()
        for name in re.findall(r"--bundle runs/([\w-]+)/bundle", page):
            assert f" name={name} " in page, f"{path.name}: runs/{name}/bundle"


def test_there_are_documented_commands():
    assert len(set(documented())) > 5
