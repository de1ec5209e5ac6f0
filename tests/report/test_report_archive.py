"""The archive of a report holds what makes it again."""

import hashlib
import json
import re
from zipfile import ZipFile

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from peftsp.report.archive import write_archive
from peftsp.report.cli import main
from peftsp.runs.identity import contents_of, what_counts
from peftsp.runs.results import find_runs, read_run
from peftsp.settings_folder import CONF

pytestmark = pytest.mark.usefixtures("blank_pictures")


@pytest.fixture
def archive(make_run, tmp_path):
    """Function that archives two made-up runs and a page, and gives the file."""
    report = tmp_path / "report"
    (report / "tables").mkdir(parents=True)
    (report / "report.html").write_text("page")
    (report / "tables" / "overall.csv").write_text("n\n2\n")
    settings = {"paths": {"runs_dir": "/far", "output_dir": "/far/it", "prefix_dir": "/far/p"}}
    folders = [make_run(fold=fold, logger={"save_dir": "/far/it"}, **settings) for fold in (0, 2)]
    for folder in folders:
        (folder / "bundle").mkdir()
        (folder / "bundle" / "config.json").write_text("{}")

    def write(name="figures.zip", has_bundles=False):
        path = tmp_path / name
        parts = [report / "report.html", report / "tables", report / "dome.md"]
        write_archive(path, [read_run(f) for f in folders], parts, ["--seed", "0"], has_bundles)
        return path

    return write


def test_same_runs_give_the_same_bytes(archive):
    assert archive("one.zip").read_bytes() == archive("two.zip").read_bytes()


def test_every_file_has_its_hash(archive):
    with ZipFile(archive()) as packed:
        sums = dict(
            line.split("  ")[::-1] for line in packed.read("SHA256SUMS").decode().splitlines()
        )
        assert sums.keys() == set(packed.namelist()) - {"SHA256SUMS"}
        for name, expected in sums.items():
            assert hashlib.sha256(packed.read(name)).hexdigest() == expected


def test_it_says_what_the_runs_read_and_were(archive):
    with ZipFile(archive()) as packed:
        text = packed.read("README.md").decode()
        assert re.search(r"^torch==\d", packed.read("constraints.txt").decode(), re.MULTILINE)
    assert text.count("a" * 64) == 2
    assert "peftsp-report runs -o again --seed 0" in text
    assert text.count("peftsp-train --config-dir runs/00") == 2


def test_bundles_come_on_request(archive):
    with ZipFile(archive("without.zip")) as packed:
        assert not [name for name in packed.namelist() if "bundle" in name]
    with ZipFile(archive("with.zip", has_bundles=True)) as packed:
        assert len([n for n in packed.namelist() if n.endswith("/bundle/config.json")]) == 2


def test_settings_lead_to_no_folder_of_the_machine_that_trained(archive):
    with ZipFile(archive()) as packed:
        [first, _] = [name for name in packed.namelist() if name.endswith("settings.yaml")]
        text = packed.read(first).decode()
    assert "/far" not in text
    assert '"save_dir": "${paths.output_dir}"' in text


def test_what_a_run_reads_stays_where_it_lies(make_run, tmp_path):
    paths = {"runs_dir": "/far", "output_dir": "/far/it", "prefix_dir": "/far/p"}
    read = {"init_from": "/far/first/bundle", "data": {"path": "/far/own.fasta"}}
    folder = make_run(paths=paths, logger={"save_dir": "/far/it"}, **read)
    write_archive(tmp_path / "a.zip", [read_run(folder)], [], [], has_bundles=False)
    with ZipFile(tmp_path / "a.zip") as packed:
        [name] = [name for name in packed.namelist() if name.endswith("settings.yaml")]
        settings = OmegaConf.create(packed.read(name).decode())
    assert settings.init_from == "/far/first/bundle"
    assert settings.data.path == "/far/own.fasta"


@pytest.mark.parametrize("place", ["out", ".", "data"])
def test_folder_names_change_no_other_setting(make_run, tmp_path, place):
    paths = {"runs_dir": place, "output_dir": f"{place}/it"}
    settings = {"paths": paths, "head": {"dropout": 0.1}, "note": "without data."}
    folder = make_run(**settings, logger={"save_dir": f"{place}/it", "root": f"{place}s/it"})
    write_archive(tmp_path / "a.zip", [read_run(folder)], [], [], has_bundles=False)
    with ZipFile(tmp_path / "a.zip") as packed:
        [name] = [name for name in packed.namelist() if name.endswith("settings.yaml")]
        found = json.loads(packed.read(name))
    assert found["head"] == {"dropout": 0.1}
    assert found["note"] == "without data."
    assert found["logger"] == {"save_dir": "${paths.output_dir}", "root": f"{place}s/it"}


@pytest.mark.slow
def test_archive_holds_the_report_and_what_makes_it_and_the_runs_again(trained_runs, tmp_path):
    command = ["--resamples", "100", "--no-progress"]
    path = tmp_path / "figures.zip"
    report = tmp_path / "report"
    assert main([str(trained_runs), "-o", str(report), "--archive", str(path), *command]) == 0
    with ZipFile(path) as packed:
        packed.extractall(tmp_path / "un")
    page = tmp_path / "un" / "report" / "report.html"
    assert page.read_bytes() == (report / "report.html").read_bytes()
    before, after = (find_runs([place])[0] for place in (trained_runs, tmp_path / "un"))
    assert len(before) == len(after)
    kept = {read_run(folder).record.name: read_run(folder) for folder in before}
    for folder in after:
        run = read_run(folder)
        record = run.record
        assert record == kept[record.name].record
        assert run.predictions.equals(kept[record.name].predictions)
        assert run.curves.equals(kept[record.name].curves)
        with initialize_config_dir(str(folder), version_base="1.3"):
            settings = compose("settings", [f"hydra.searchpath=[file://{CONF}]"])
        contents = contents_of(record)
        found = OmegaConf.to_container(settings, resolve=True)
        assert what_counts(found, contents) == what_counts(record.settings, contents)


def test_what_is_there_stays(make_run, tmp_path, capsys):
    make_run()
    path = tmp_path / "figures.zip"
    path.write_text("mine")
    command = [str(tmp_path / "runs"), "-o", str(tmp_path / "report"), "--archive"]
    assert main([*command, str(path)]) == 2
    assert "expected nothing there yet" in capsys.readouterr().err
    assert path.read_text() == "mine"
    assert main([*command, str(tmp_path / "figures.tar")]) == 2
    assert "ends in .zip" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_bundles_without_an_archive_are_refused(capsys):
    assert main(["runs", "--bundles"]) == 2
    assert "--bundles: expected --archive FILE" in capsys.readouterr().err
