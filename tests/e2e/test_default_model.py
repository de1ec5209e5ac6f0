"""The model that ships with peftsp, on proteins whose signal peptides everybody knows."""

import csv
import random
import subprocess
import sys
from itertools import islice
from pathlib import Path
from statistics import fmean

import pytest
import torch

import peftsp
from peftsp.data.fasta import read_fasta
from peftsp.inference.commands.predict import main
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.bundle_files import GRAPH_FILES, hash_bundle
from peftsp.model.restore import load_taggers
from peftsp.model.shipped import DEFAULT_MODEL, SHIPPED, find_model
from peftsp.records import SequenceRecord

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "proteins.fasta"

# UniProt: SP type and the last residue of the signal peptide.
KNOWN = {
    "INS_HUMAN": ("SP", 24),
    "ALBU_HUMAN": ("SP", 18),
    "OMPA_ECOLI": ("SP", 21),
    "LPP_ECOLI": ("LIPO", 20),
    "TORA_ECOLI": ("TAT", 39),
    "FMM1_NEIGO": ("PILIN", 7),
    "GFP_AEQVI": ("NO_SP", None),
    "LACY_ECOLI": ("NO_SP", None),
    "ACTB_HUMAN": ("NO_SP", None),
    "G3P1_ECOLI": ("NO_SP", None),
}


@pytest.fixture(scope="module", params=SHIPPED)
def rows(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("default")
    model = ["--model", request.param]
    assert main([str(EXAMPLES), "-o", str(folder), "--no-progress", *model]) == 0
    with (folder / "predictions.csv").open() as table:
        return {row["id"].rpartition("|")[2]: row for row in csv.DictReader(table)}


@pytest.mark.parametrize("name", KNOWN)
def test_known_protein_comes_out_right(rows, name):
    sp_type, site = KNOWN[name]
    row = rows[name]
    assert (row["sp_type"], row["cleavage_site"]) == (sp_type, str(site or ""))


def test_every_example_is_known(rows):
    assert rows.keys() == KNOWN.keys()


@pytest.mark.parametrize(("model", "megabytes"), [("accurate", 18), ("fast", 8)])
def test_shipped_files_are_small(model, megabytes):
    folder = SHIPPED[model].folder
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    assert sum(sizes) < megabytes * 1024**2


@pytest.mark.parametrize("model", SHIPPED)
def test_graphs_that_ship_are_the_bundle_that_ships(mixed, model):
    folder = SHIPPED[model].folder
    graphs = {name: OnnxModel(folder / file, 1) for name, file in GRAPH_FILES.items()}
    for graph in graphs.values():
        assert graph.about["bundles"][0]["sha256"] == hash_bundle(folder)
    found = (
        predict_records(mixed, models, 16) for models in (*graphs.values(), load_taggers([folder]))
    )
    differences = []
    for exact, rounded, theirs in zip(*found, strict=True):
        assert (exact.sp_type, exact.cleavage_site) == (theirs.sp_type, theirs.cleavage_site)
        assert exact.probabilities == pytest.approx(theirs.probabilities, abs=2e-5)
        differences.append(abs(rounded.probability - theirs.probability))
    assert fmean(differences) < 0.01


WITHOUT = ("torch", "lightning", "hydra", "omegaconf", "pandas", "safetensors", "matplotlib")
FORMATS = ("csv", "tsv", "jsonl", "gff3", "fasta", "html")


@pytest.mark.parametrize("precision", GRAPH_FILES)
def test_what_ships_predicts_without_pytorch(precision, tmp_path):
    blocked = "\n".join(f"sys.modules[{name!r}] = None" for name in WITHOUT)
    arguments = [str(EXAMPLES), "-o", str(tmp_path / "out"), "--formats", ",".join(FORMATS)]
    arguments += ["--precision", precision]
    code = (
        f"import sys\n{blocked}\nfrom peftsp.inference.commands.predict import main\n"
        f"assert main({arguments}) == 0\nsys.exit(main({[*arguments, '--runtime', 'torch']}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "expected the package torch, found none" in done.stderr
    assert len(list((tmp_path / "out").glob("[!.]*"))) == len(FORMATS) + 1


CLOSE = 1e-4


@pytest.fixture(scope="module")
def default_model():
    return load_taggers([find_model(DEFAULT_MODEL)])


@pytest.fixture(scope="module")
def mixed():
    """The examples, changed at random ever more, cut to any length, with letters like X."""
    rng = random.Random(0)
    records = []
    for record in read_fasta(EXAMPLES):
        for changes in (0, 1, 2, 3, 4, 6, 12, 24):
            residues = list(record.residues[: rng.choice([12, 30, 60, 70, 200])])
            for _ in range(changes):
                residues[rng.randrange(1, len(residues))] = rng.choice("ACDEFGHIKLMNPQRSTVWYXBU")
            records.append(SequenceRecord(f"{record.identifier}.{changes}", "".join(residues)))
    return records


@pytest.fixture(scope="module")
def one_by_one(mixed, default_model):
    return {p.header: p for p in predict_records(mixed, default_model, batch_size=1)}


@pytest.fixture
def set_threads():
    threads = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("batch_size", "seed", "threads"), [(2, 1, 1), (7, 2, 1), (64, 3, 1), (64, 3, 2)]
)
def test_batch_size_order_and_threads_change_no_call(
    mixed, default_model, one_by_one, set_threads, batch_size, seed, threads
):
    set_threads(threads)
    shuffled = random.Random(seed).sample(mixed, len(mixed))
    for found in predict_records(shuffled, default_model, batch_size):
        expected = one_by_one[found.header]
        assert found.probabilities == pytest.approx(expected.probabilities, abs=CLOSE)
        first, second = sorted(expected.probabilities)[-1:-3:-1]
        if first - second > CLOSE:
            assert found.sp_type == expected.sp_type
            assert (found.cleavage_site, found.regions) == (
                expected.cleavage_site,
                expected.regions,
            )
            certainty = expected.cleavage_site_probability
            assert found.cleavage_site_probability == pytest.approx(certainty, abs=CLOSE)


def test_mixed_proteins_are_of_many_kinds(one_by_one):
    predictions = one_by_one.values()
    assert len({prediction.sp_type for prediction in predictions}) >= 5
    assert len({prediction.cleavage_site for prediction in predictions}) >= 8
    assert any(prediction.has_unsure_site for prediction in predictions)


def test_first_result_does_not_wait_for_the_compiler(tmp_path):
    """PyTorch loads it, for a second, where weights are drawn on the meta device."""
    program = (
        "import sys; from peftsp.inference.commands.predict import main; "
        f"status = main([{str(EXAMPLES)!r}, '-o', {str(tmp_path)!r}, '--no-progress']); "
        "print(status, 'torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "0 False", done.stderr


@pytest.mark.parametrize("kingdom", ["other", "eukarya"])
@pytest.mark.parametrize("proteome", ["ecoli", "scerevisiae"])
def test_no_site_of_a_proteome_is_improbable_without_a_note(shared, proteome, kingdom):
    """Path and sums are of one type: else sites of next to no probability are called."""
    path = shared / "data" / "proteomes" / f"{proteome}.faa.gz"
    if not path.exists():
        pytest.skip(f"there is no {path}")
    every_tenth = islice(read_fasta(path), 0, 2000, 10)
    found = list(peftsp.predict(every_tenth, model="fast", kingdom=kingdom))
    sites = [p for p in found if p.cleavage_site is not None]
    assert len(sites) > 5
    assert all(p.sp_type != "NO_SP" for p in sites)
    improbable = [p for p in sites if p.cleavage_site_probability < 0.05]
    assert [p.header for p in improbable if p.note is None] == []
    assert len(improbable) <= len(sites) / 50
