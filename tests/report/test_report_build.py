"""From runs that training left to tables, figures and page."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from peftsp.labels import KINGDOMS
from peftsp.report.build import ReportSettings, build_report
from peftsp.report.figures import CAPTIONS
from peftsp.runs.record import read_record


@pytest.fixture(scope="session")
def built(trained_runs, tmp_path_factory):
    """A report of two methods with two folds each, and what its maker says of it."""
    output = tmp_path_factory.mktemp("built") / "report"
    summary = build_report(ReportSettings([trained_runs], output, 100, 0, has_progress=False))
    return output, summary


def test_runs_become_methods(built):
    _, summary = built
    assert summary.runs == 4
    assert summary.methods == ["frozen", "lora"]
    assert [w.partition(";")[0] for w in summary.warnings] == [
        "frozen: no run of folds 1, 3, 4, 5",
        "lora: no run of folds 1, 3, 4, 5",
        "Each method was trained with one seed: intervals and p values hold chance in the "
        "proteins, not in training. Another seed or processor may give another order.",
    ]


def test_numbers_are_those_that_the_runs_reported(built, trained_runs):
    """The training command measures by other code."""
    output, _ = built
    numbers = pd.read_csv(output / "tables" / "measures.csv")
    tables = [pd.read_csv(path) for path in sorted(trained_runs.rglob("*lora*/metrics.csv"))]
    assert len(tables) == 2
    own = pd.concat(tables).groupby(["kingdom", "sp_type"]).mean()
    lora = numbers[numbers["method"] == "lora"].set_index(["kingdom", "sp_type"])
    for name in ("mcc1", "mcc2", "recall_0", "recall_3", "precision_1"):
        found = lora[lora["measure"] == name]["value"]
        pd.testing.assert_series_equal(
            found.sort_index(), own[name].sort_index(), check_names=False, check_dtype=False
        )


def test_dome_sheet_says_what_the_runs_recorded(built, trained_runs):
    output, _ = built
    sheet = (output / "dome.md").read_text()
    assert re.findall(r"^## (.*)$", sheet, re.MULTILINE) == [
        *("Data", "Optimisation", "Model", "Evaluation")
    ]
    for folder in trained_runs.rglob("run.json"):
        record = read_record(folder.parent)
        assert record.dataset.sha256 in sheet
        assert record.backbone_sha256 in sheet
        assert f"{record.cost.trained_parameters:,}" in sheet
        assert f"fold {record.fold}: {record.splits['train']:,} train" in sheet
        assert record.versions["torch"] in sheet
    assert "2 epochs" in sheet
    assert "100 resamples" in sheet


def test_every_figure_is_there_and_every_table_in_three_formats(built):
    output, _ = built
    for name in CAPTIONS:
        assert (output / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (output / "figures" / f"{name}.svg").read_text()
    tables = {path.stem for path in (output / "tables").glob("*.md")}
    assert {"overall", "mcc1", "mcc2", "mcc2_pooled", "comparison", "cost", "settings"} <= tables
    assert {f"{kind}_{w}" for kind in ("precision", "recall") for w in range(4)} <= tables
    for name in tables:
        assert (output / "tables" / f"{name}.csv").stat().st_size > 10
        assert r"\toprule" in (output / "tables" / f"{name}.tex").read_text()


class Elements(HTMLParser):
    """Notes identifiers, links within the page, and whatever would be fetched."""

    def __init__(self):
        super().__init__()
        self.identifiers, self.links, self.fetched, self.open = [], [], [], []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if "id" in attrs:
            self.identifiers.append(attrs["id"])
        if tag in ("script", "link", "img", "iframe"):
            self.fetched.append(tag)
        for name in ("href", "xlink:href", "src"):
            if name in attrs:
                self.links.append(attrs[name])


def test_page_holds_everything_and_fetches_nothing(built):
    output, _ = built
    text = (output / "report.html").read_text()
    page = Elements()
    page.feed(text)
    assert page.fetched == []
    assert len(page.identifiers) == len(set(page.identifiers))
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.identifiers
        elif not link.startswith("data:"):
            assert (output / link).is_file(), link
    assert not re.search(r"@import|url\((?!#)", text)
    assert text.count("<svg") == len(CAPTIONS)
    assert "no run of folds 1, 3, 4, 5" in text
    assert all(kingdom in text for kingdom in KINGDOMS)


def test_published_numbers_stand_beside_their_own_data_set_alone(built):
    output, _ = built
    assert "SignalP 6.0" not in (output / "tables" / "mcc2.md").read_text()


def test_same_seed_gives_the_same_report(built, trained_runs, tmp_path):
    output, _ = built
    again = tmp_path / "again"
    build_report(ReportSettings([trained_runs], again, 100, 0, has_progress=False))
    for path in sorted(output.rglob("*")):
        if path.suffix in (".csv", ".md", ".tex", ".svg", ".html"):
            assert path.read_bytes() == (again / path.relative_to(output)).read_bytes(), path.name


@pytest.mark.usefixtures("blank_pictures")
def test_data_of_one_type_alone_can_be_reported(make_run, tmp_path):
    for method in ("lora", "prompt"):
        path = make_run(method) / "test_predictions.csv"
        header, *rows = path.read_text().splitlines()
        kept = [row for row in rows if row.split(",")[3] == "SP"]
        path.write_text("\n".join([header, *kept]) + "\n")
    output = tmp_path / "report"
    summary = build_report(ReportSettings([tmp_path / "runs"], output, 5, 0, has_progress=False))
    assert summary.methods == ["lora", "prompt"]
    assert summary.page.is_file()
