"""What describes the project elsewhere says what pyproject.toml says."""

import json
import re
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jinja2
import pytest
import yaml

from peftsp import __version__
from peftsp.data.download import PUBLIC_FILES
from peftsp.inference.commands.predict import _parser, main

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


def test_conda_tests_what_is_in_the_source_archive(recipe):
    for name in recipe["test"]["source_files"]:
        assert name.startswith("peftsp/")
        assert (REPOSITORY / name).is_file()
        assert any(name in command for command in recipe["test"]["commands"])


def test_image_runs_what_workflow_managers_give_it():
    process = (PACKAGING / "nextflow" / "peftsp" / "predict" / "main.nf").read_text()
    image = re.search(r'container "(\S+)"', process)[1]
    dockerfile = (PACKAGING / "docker" / "Dockerfile").read_text()
    assert "ENTRYPOINT" not in dockerfile
    for text in (dockerfile, (PACKAGING / "README.md").read_text()):
        assert f"--tag {image} ." in text
    assert "--formats tsv,gff3,fasta \\" in process


def test_nextflow_finds_its_test_data():
    module = PACKAGING / "nextflow" / "peftsp" / "predict"
    test = (module / "tests" / "main.nf.test").read_text()
    assert (module / re.search(r'\$moduleDir/([^"]+)', test)[1]).is_file()


def test_snakemake_can_run_its_rule_again(tmp_path):
    rule = (PACKAGING / "snakemake" / "Snakefile").read_text().partition("rule peftsp_predict:")[2]
    outputs = re.findall(r'="peftsp/(\S+)"', rule.partition("log:")[0])
    fasta = tmp_path / "proteins.fasta"
    fasta.write_text(">a\nMKKTAIAIAVALAGFATVAQAAPKDNTWYTG\n>b\nM-K\n")
    formats = re.search(r"--formats (\S+)\"", rule)[1]
    command = [*(str(fasta), "--output", str(tmp_path / "out"), "--model", "fast")]
    for _ in range(2):
        assert main([*command, "--formats", formats, "--no-progress"]) == 0
        for name in outputs:
            (tmp_path / "out" / name).unlink()


def test_bakta_is_told_a_version_that_it_takes(tmp_path):
    text = (PACKAGING / "README.md").read_text()
    lines = re.search(r"^mkdir -p bin\n.*?^chmod .*?$", text, re.MULTILINE | re.DOTALL)[0]
    subprocess.run(["sh", "-ec", lines], cwd=tmp_path, check=True)
    command = [tmp_path / "bin" / "deepsig", "--version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert [int(part) for part in told.split()[1].split(".")] >= [1, 2, 5]


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


def test_data_card_names_the_file_that_is_downloaded():
    page = (REPOSITORY / "docs" / "data.md").read_text()
    assert f"| `train_set.fasta` | `{PUBLIC_FILES['train_set'].sha256}` |" in page
