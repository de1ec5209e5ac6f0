"""What programs that read SignalP 6.0's files find in ours, with the model that ships."""

import json
import re
from pathlib import Path

import pytest

from peftsp.inference.commands.signalp6 import main
from peftsp.inference.compute.api import predict

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "proteins.fasta"
NO_PEPTIDE = ">acid nothing to\tsee\nMDEDEEKRKDEEDKQRKEDNKDESQNEDKKRDEEDNSKDEQRNKEDDK\n"
SIGNATURES = {"Sec/SPI", "Sec/SPII", "Tat/SPI", "Tat/SPII", "Sec/SPIII"}


@pytest.fixture(scope="session")
def proteins(tmp_path_factory):
    path = tmp_path_factory.mktemp("proteins") / "proteins.fasta"
    path.write_text(EXAMPLES.read_text() + NO_PEPTIDE)
    return path


@pytest.fixture(scope="session", params=["other", "eukarya"])
def run(request, proteins, tmp_path_factory):
    """Folder of a run, and what Python says of the same proteins, by header."""
    out = tmp_path_factory.mktemp("run") / request.param
    words = ["--fastafile", proteins, "--output_dir", out, "--organism", request.param]
    assert main([*map(str, words), "--format", "none", "--mode", "fast", "-tt", "1"]) == 0
    found = predict(proteins, kingdom=request.param, device="cpu", model="fast")
    return request.param, out, {p.header.replace("\t", " "): p for p in found}


def funannotate_peptides(path):
    """Name, last residue of the signal peptide and probability, as funannotate reads them.

    It knows the version by the first line, skips comments, takes the first five columns for those
    of eukaryotes, the site from what stands between the first ``: `` and the first ``-`` behind
    it, and the probability from what stands behind the last ``: ``.
    """
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# SignalP-6")
    found = {}
    for line in lines:
        if line.startswith("#"):
            continue
        name, verdict, _, _, place = line.split("\t")[:5]
        if verdict != "OTHER":
            site = place.split(": ", 1)[1].split("-", 1)[0]
            found[name] = (verdict, int(site), float(place.rsplit(": ", 1)[1]))
    return found


def interproscan_matches(folder):
    """Identifier, end, score and signature of each match, as InterProScan 6 reads them.

    It takes nine fields of each line of output.gff3 that is no comment, the first word of the first
    as identifier, and from output.json the signature: what stands in parentheses.
    """
    sequences = json.loads((folder / "output.json").read_text())["SEQUENCES"]
    for line in (folder / "output.gff3").read_text().splitlines():
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        assert len(fields) == 9
        match = re.search(r"\(([a-zA-Z]+/[a-zA-Z]+)\)", sequences[fields[0]]["Prediction"])
        assert match
        assert match[1] in SIGNATURES
        start, end, score = int(fields[3]), int(fields[4]), float(fields[5])
        yield re.split(r"\s+", fields[0])[0], start, end, score, match[1]


def test_funannotate_finds_the_peptides_of_eukaryotes(run):
    kingdom, folder, expected = run
    if kingdom != "eukarya":
        pytest.skip("funannotate runs SignalP for eukaryotes")
    found = funannotate_peptides(folder / "prediction_results.txt")
    assert found
    assert found == {
        header: ("SP", p.cleavage_site, pytest.approx(p.cleavage_site_probability, abs=1e-3))
        for header, p in expected.items()
        if p.sp_type != "NO_SP"
    }


def test_interproscan_finds_the_peptides(run):
    _, folder, expected = run
    signature = {
        **{"SP": "Sec/SPI", "LIPO": "Sec/SPII", "TAT": "Tat/SPI", "TATLIPO": "Tat/SPII"},
        "PILIN": "Sec/SPIII",
    }
    found = list(interproscan_matches(folder))
    assert found
    assert found == [
        (p.identifier, 1, p.cleavage_site, pytest.approx(p.probability, abs=1e-4), signature[t])
        for p in expected.values()
        if (t := p.sp_type) != "NO_SP"
    ]


def test_every_protein_has_a_row_and_positives_a_site(run):
    kingdom, folder, expected = run
    rows = [
        line.split("\t")
        for line in (folder / "prediction_results.txt").read_text().splitlines()
        if not line.startswith("#")
    ]
    assert [row[0] for row in rows] == list(expected)
    assert {len(row) for row in rows} == {5 if kingdom == "eukarya" else 9}
    for row in rows:
        assert (row[1] == "OTHER") == (row[-1] == "")
        assert sum(map(float, row[2:-1])) == pytest.approx(1, abs=1e-4)
    assert rows[-1][1] == "OTHER"
