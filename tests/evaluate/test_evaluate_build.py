"""Bundles and contenders on one data set: what is predicted, compared, left out and refused."""

import json
import random
import shutil
from dataclasses import replace

import pandas as pd
import pytest

from peftsp.data.labelled import read_labelled, write_labelled
from peftsp.data.regions import cleavage_site
from peftsp.data.synthetic import SyntheticProteins
from peftsp.evaluate.cli import main

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("blank_pictures")]


def write_table(path, header, cells):
    records = [r for r in SyntheticProteins(60, 5).load() if cells(r) is not None]
    rows = [",".join(map(str, (r.accession, r.residues, *cells(r)))) for r in records]
    path.write_text("\n".join([header, *rows]) + "\n")
    return len(records)


def test_a_table_may_know_presence_alone(evaluate, measures, trained, tmp_path):
    write_table(
        trained / "own.csv",
        "id,sequence,signal_peptide",
        lambda r: ("no" if r.sp_type == "NO_SP" else "yes",),
    )
    assert evaluate(trained, tmp_path / "a", data="own.csv") == 0
    table = measures(tmp_path / "a").set_index("measure")
    assert set(table["sp_type"]) == {"SP"}
    assert table["value"].notna()[["mcc1", "mcc2"]].all()
    assert table["value"].isna()[["precision_0", "recall_0"]].all()


def test_all_types_together_say_that_there_is_a_signal_peptide(measures, tmp_path):
    """As with the kingdom eukarya, and as the thresholds count."""
    rng = random.Random(0)
    rows = ["id,sequence,signal_peptide,kingdom"]
    for r in SyntheticProteins(600, 5).load():
        if r.kingdom == "NEGATIVE":
            spoilt = "".join(rng.choice("KDGSLA") if rng.random() < 0.3 else c for c in r.residues)
            is_signal = "no" if r.sp_type == "NO_SP" else "yes"
            rows.append(f"{r.accession},M{spoilt[1:]},{is_signal},NEGATIVE")
    (tmp_path / "spoilt.csv").write_text("\n".join(rows) + "\n")
    given = ["--data", str(tmp_path / "spoilt.csv"), "--resamples", "100", "--no-progress"]
    assert main(["--bundle", "fast", *given, "-o", str(tmp_path / "a")]) == 0
    curve = pd.read_csv(tmp_path / "a" / "tables" / "thresholds.csv").set_index("threshold")
    table = measures(tmp_path / "a").set_index(["sp_type", "measure"])
    assert 0 < curve["mcc"][0.5] < 1
    assert table["value"]["SP", "mcc1"] == pytest.approx(curve["mcc"][0.5])


def test_a_table_may_know_sites_alone(evaluate, measures, trained, tmp_path):
    site = lambda r: None if r.sp_type == "NO_SP" else (cleavage_site(r),)  # noqa: E731
    count = write_table(trained / "own.csv", "id,sequence,site", site)
    assert evaluate(trained, tmp_path / "a", data="own.csv") == 0
    table = measures(tmp_path / "a").set_index("measure")
    assert table["value"].notna()[["precision_0", "recall_0"]].all()
    assert table["n"]["recall_0"] == count
    assert not (tmp_path / "a" / "figures" / "thresholds.png").exists()


def test_an_ensemble_predicts_with_members_that_have_not_seen_a_partition(
    evaluate, measures, trained, tmp_path
):
    assert evaluate(trained, tmp_path / "a", "--together", "ensemble") == 0
    assert measures(tmp_path / "a")["n"].sum() > 0


def test_contenders_are_tested_on_the_same_proteins(evaluate, trained, tmp_path, capsys):
    records = read_labelled(trained / "own.fasta")
    calls = [f"{r.accession} 0 0 o" for r in records]
    header = "SEQENCE ID  TM SP PREDICTION"
    (tmp_path / "p.txt").write_text("\n".join([header, *calls]) + "\n")
    given = ("--contender", f"phobius={tmp_path / 'p.txt'}", "--types", "presence")
    assert evaluate(trained, tmp_path / "a", *given) == 0
    table = pd.read_csv(tmp_path / "a" / "tables" / "comparison.csv")
    assert {"phobius", "peftsp"} == set(table["first"]) | set(table["second"])
    curve = pd.read_csv(tmp_path / "a" / "tables" / "thresholds.csv")
    assert set(curve["method"]) == {"peftsp"}
    overall = pd.read_csv(tmp_path / "a" / "tables" / "overall.csv").set_index("method")
    assert overall["calibration error value"].notna().to_dict() == {
        "peftsp": True,
        "phobius": False,
    }
    assert "phobius: nothing says whether it was trained" in capsys.readouterr().err
    (tmp_path / "p.txt").write_text("\n".join([header, *calls[1:]]) + "\n")
    assert evaluate(trained, tmp_path / "b", *given) == 2
    assert f"found none of 1, {records[0].accession} the first" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def test_a_contender_is_compared_with_all_models_in_whatever_order(trained, tmp_path):
    """It has one set of calls, and the models' means are over all of them."""
    own, *_ = sorted(map(str, (trained / "runs").glob("*/*/bundle")))
    records = SyntheticProteins(200, 5).load()
    write_labelled(records, tmp_path / "d.fasta")
    calls = [f"{r.accession} 0 {'Y' if n % 3 else '0'} n3-10c20/21o" for n, r in enumerate(records)]
    (tmp_path / "p.txt").write_text("\n".join(["SEQENCE ID  TM SP PREDICTION", *calls]) + "\n")
    found = []
    for name, bundles in (("a", ["fast", own]), ("b", [own, "fast"])):
        given = ["--data", str(tmp_path / "d.fasta"), "-o", str(tmp_path / name), "--no-progress"]
        given += ["--contender", f"phobius={tmp_path / 'p.txt'}", "--types", "presence"]
        assert main(["--bundle", *bundles, *given, "--resamples", "100"]) == 0
        table = pd.read_csv(tmp_path / name / "tables" / "comparison.csv").set_index("kingdom")
        mean = table.loc["mean"]
        overall = pd.read_csv(tmp_path / name / "tables" / "overall.csv").set_index("method")
        value = overall["mean MCC2 value"]
        expected = value[mean["first"]] - value[mean["second"]]
        found.append((mean["difference"], expected))
    assert found[0][0] == pytest.approx(found[0][1]) == pytest.approx(found[1][0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "groups.tsv: expected a file, found none"),
        (b"accession\tgroup\nP1\tl\xe9zard\n", "groups.tsv:2: expected UTF-8 text"),
        (
            b"name\tgroup\nP1\tx\n",
            "groups.tsv: expected the columns accession and group, found name",
        ),
        (b"accession\tgroup\nP1\n", "groups.tsv:2: expected a cell for each column, found 1"),
        (
            b"accession\tgroup\nP1\t" + b"x" * 200_000,
            "groups.tsv:2: expected a row of a table, found: field larger",
        ),
    ],
)
def test_wrong_groups_are_one_line(evaluate, trained, tmp_path, capsys, content, message):
    if content is not None:
        (tmp_path / "groups.tsv").write_bytes(content)
    given = ("--groups", str(tmp_path / "groups.tsv"))
    assert evaluate(trained, tmp_path / "a", *given) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "a").exists()


def test_proteins_that_a_bundle_has_seen_are_left_out_or_refused(
    evaluate, trained, tmp_path, capsys
):
    own, more = SyntheticProteins(60, 0).load(), SyntheticProteins(60, 5).load()
    write_labelled([*own, *more], trained / "more.fasta")
    assert evaluate(trained, tmp_path / "a", data="more.fasta") == 0
    assert "60 of 120 proteins are left out" in capsys.readouterr().err
    write_labelled([r for r in own if r.partition != 0], trained / "seen.fasta")
    assert evaluate(trained, tmp_path / "b", data="seen.fasta") == 2
    assert "has not seen" in capsys.readouterr().err


def test_a_bundle_that_does_not_say_what_it_has_seen_is_marked(evaluate, trained, tmp_path, capsys):
    [config] = (trained / "runs").glob("*/*fold0*/bundle/config.json")
    text = config.read_text()
    try:
        said = json.loads(text)
        assert said["training"]["is_chosen"] is True
        del said["training"]["proteins"]
        config.write_text(json.dumps(said))
        write_labelled(SyntheticProteins(60, 5).load(), trained / "new.fasta")
        for data in ("own", "new"):
            assert evaluate(trained, tmp_path / data, data=f"{data}.fasta") == 0
            assert "does not say all that it was trained on" in capsys.readouterr().err
    finally:
        config.write_text(text)


def test_bundles_apart_are_methods_of_their_own(trained, tmp_path):
    """A copy is another one, and what ships has its name, whatever their trainings were called."""
    [first, *_] = sorted((trained / "runs").glob("*/*/bundle"))
    shutil.copytree(first, tmp_path / "copy")
    given = ["--data", str(trained / "own.fasta"), "--resamples", "100", "--no-progress"]
    bundles = ["--bundle", str(first), str(tmp_path / "copy"), "fast", "--together", "apart"]
    assert main([*bundles, *given, "-o", str(tmp_path / "a")]) == 0
    table = pd.read_csv(tmp_path / "a" / "tables" / "overall.csv").set_index("method")
    assert set(table.index) == {first.parent.name, "copy", "fast"}
    compared = pd.read_csv(tmp_path / "a" / "tables" / "comparison.csv")
    pair = {first.parent.name, "copy"}
    [own] = [row for _, row in compared.iterrows() if {row["first"], row["second"]} == pair]
    assert own["difference"] == 0


def test_a_contender_needs_names_that_tell_proteins_apart(evaluate, trained, tmp_path, capsys):
    one, two, *others = SyntheticProteins(60, 0).load()
    write_labelled([one, replace(two, accession=one.accession), *others], trained / "twice.fasta")
    (tmp_path / "p.txt").write_text(f"SEQENCE ID  TM SP PREDICTION\n{one.accession} 0 0 o\n")
    given = ("--contender", f"phobius={tmp_path / 'p.txt'}")
    assert evaluate(trained, tmp_path / "a", *given, data="twice.fasta") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "twice.fasta: expected each protein by a name of its own" in line
    assert line.endswith(f"found {one.accession} with two sequences")


def test_proteins_without_any_signal_peptide_are_told_before_models_predict(
    evaluate, trained, tmp_path, capsys
):
    none = [r for r in SyntheticProteins(60, 0).load() if r.sp_type == "NO_SP"]
    write_labelled(none, trained / "none.fasta")
    assert evaluate(trained, tmp_path / "a", data="none.fasta") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"none.fasta: expected proteins with a signal peptide too, found {len(none)}" in line
