"""What describes the project elsewhere says what pyproject.toml says."""

import json
import re
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jinja2
import pytest
import yaml

from peftsp import __version__
from peftsp.data.download import PUBLIC_FILES
from peftsp.inference.commands.predict import _parser

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGING = REPOSITORY / "packaging"
PRETRAINED = REPOSITORY / "peftsp" / "pretrained"
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
CITATION = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch"}
GALAXY = ElementTree.parse(PACKAGING / "galaxy" / "peftsp_predict.xml").getroot()


@pytest.fixture(scope="module")
def recipe():
    def pin_subpackage(name, **_):
        return name

    text = (PACKAGING / "conda" / "meta.yaml").read_text()
    return yaml.safe_load(
        jinja2.Template(text).render(PYTHON="python", pin_subpackage=pin_subpackage)
    )


def requirements(texts):
    """Name to version range."""
    found = {}
    for text in texts:
        name, condition = re.fullmatch(r"([\w-]+)\s*(.*)", text).groups()
        found[CONDA_NAMES.get(name, name)] = condition
    return found


def test_version_is_the_same_everywhere(recipe):
    codemeta = json.loads((REPOSITORY / "codemeta.json").read_text())
    definition = (PACKAGING / "apptainer" / "peftsp.def").read_text()
    environment = (PACKAGING / "nextflow" / "peftsp" / "predict" / "environment.yml").read_text()
    versions = {
        "pyproject": PROJECT["version"],
        "citation": CITATION["version"],
        "codemeta": codemeta["version"],
        "conda": recipe["package"]["version"],
        "galaxy": GALAXY.find("macros/token").text,
        "apptainer": re.search(r"Version (\S+)", definition)[1],
        "nextflow": re.search(r"peftsp=(\S+)", environment)[1],
        "snakemake": re.search(
            r"peftsp =(\S+)", (PACKAGING / "snakemake" / "envs" / "peftsp.yaml").read_text()
        )[1],
    }
    assert versions == dict.fromkeys(versions, __version__)


def test_conda_recipe_needs_and_installs_the_same(recipe):
    run = requirements(recipe["requirements"]["run"])
    assert run.pop("python") == PROJECT["requires-python"]
    assert run == requirements(PROJECT["dependencies"])
    entries = dict(entry.split(" = ") for entry in recipe["build"]["entry_points"])
    assert entries == PROJECT["scripts"]
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["license_file"] == PROJECT["license-files"]


def test_galaxy_offers_the_choices_of_the_command():
    actions = {name: action for action in _parser()._actions for name in action.option_strings}
    command = GALAXY.find("command").text
    asked = re.findall(r"(--[\w-]+)", command)
    assert asked
    assert set(asked) <= set(actions)
    for select in GALAXY.iterfind("inputs/param[@type='select']"):
        offered = [option.get("value") for option in select.iterfind("option")]
        assert offered == list(actions[select.get("argument")].choices)


def test_codemeta_says_what_pyproject_and_citation_say():
    codemeta = json.loads((REPOSITORY / "codemeta.json").read_text())
    assert codemeta["name"] == PROJECT["name"]
    assert codemeta["description"] == PROJECT["description"]
    assert codemeta["keywords"] == PROJECT["keywords"]
    assert codemeta["runtimePlatform"] == f"Python {PROJECT['requires-python']}"
    assert codemeta["softwareRequirements"] == PROJECT["dependencies"]
    licences = [f"https://spdx.org/licenses/{name}" for name in PROJECT["license"].split(" AND ")]
    assert codemeta["license"] == licences
    authors = [author["name"] for author in codemeta["author"]]
    assert authors == [author["name"] for author in CITATION["authors"]]
    assert authors == [author["name"] for author in PROJECT["authors"]]
    papers = [paper["@id"] for paper in codemeta["citation"]]
    assert papers == [f"https://doi.org/{paper['doi']}" for paper in CITATION["references"]]


CARDS = {"accurate": "GPL-3.0-or-later", "fast": "MIT", "compact": "MIT"}


@pytest.mark.parametrize("name", CARDS)
def test_model_card_has_hugging_faces_form(name):
    _, head, body = (PRETRAINED / name / "README.md").read_text().split("---\n", 2)
    card = yaml.safe_load(head)
    assert CARDS[name].lower().startswith(card["license"])
    assert {"library_name", "pipeline_tag", "tags"} <= set(card)
    assert body.startswith("# ")
    measured = (PRETRAINED / "accurate" / "README.md").read_text()
    for result in [r for model in card.get("model-index", ()) for r in model["results"]]:
        for metric in result["metrics"]:
            row = rf"^\| `{card['model-index'][0]['name']}` \| {metric['value']:.2f} \|"
            assert re.search(row, measured, re.MULTILINE)


def test_data_card_names_the_file_that_is_downloaded():
    page = (REPOSITORY / "docs" / "data.md").read_text()
    assert f"| `train_set.fasta` | `{PUBLIC_FILES['train_set'].sha256}` |" in page
