import json
import os
import shutil

import pytest

from peftsp.inference.compute.pipeline import Options
from peftsp.inference.run.description import fingerprint_run


@pytest.fixture
def bundle(bundles, tmp_path):
    return shutil.copytree(bundles[0], tmp_path / "bundle")


def test_same_run_has_the_same_fingerprint(fasta, bundle, tmp_path, monkeypatch):
    expected = fingerprint_run([fasta], [bundle], Options())
    moved = bundle.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    found = fingerprint_run([fasta.relative_to(tmp_path)], [moved], Options())
    assert found == expected == json.loads(json.dumps(expected))


def test_what_changes_the_rows_changes_the_fingerprint(fasta, bundle, bundles):
    fingerprints = [
        fingerprint_run([fasta], [bundle], Options()),
        fingerprint_run([fasta], [bundle], Options(kingdom=0)),
        fingerprint_run([fasta], [bundle], Options(sums_types=True)),
        fingerprint_run([fasta], [bundle], Options(min_probability=0.5)),
        fingerprint_run([fasta], [bundle], Options(has_region_probabilities=True)),
        fingerprint_run([fasta], [bundles[1]], Options()),
        fingerprint_run([fasta], [bundle, bundles[1]], Options()),
    ]
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint_run([fasta], [bundle], Options()))
    fasta.write_text(">a\nM\n")
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint_run([fasta], [bundle], Options()))
    (bundle / "config.json").write_text("{}")
    fingerprints.append(fingerprint_run([fasta], [bundle], Options()))
    assert len({json.dumps(fingerprint) for fingerprint in fingerprints}) == len(fingerprints)
