import json
import os
import shutil

import pytest

from peftsp.inference.fingerprint import fingerprint_run


@pytest.fixture
def bundle(bundles, tmp_path):
    return shutil.copytree(bundles[0], tmp_path / "bundle")


def test_same_run_has_the_same_fingerprint(fasta, bundle, tmp_path, monkeypatch):
    expected = fingerprint_run(fasta, [bundle], -1)
    moved = bundle.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    found = fingerprint_run(fasta.relative_to(tmp_path), [moved], -1)
    assert found == expected == json.loads(json.dumps(expected))


def test_what_changes_the_rows_changes_the_fingerprint(fasta, bundle, bundles):
    fingerprints = [
        fingerprint_run(fasta, [bundle], -1),
        fingerprint_run(fasta, [bundle], 0),
        fingerprint_run(fasta, [bundles[1]], -1),
        fingerprint_run(fasta, [bundle, bundles[1]], -1),
    ]
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint_run(fasta, [bundle], -1))
    fasta.write_text(">a\nM\n")
    os.utime(fasta, ns=(1, 1))
    fingerprints.append(fingerprint_run(fasta, [bundle], -1))
    (bundle / "config.json").write_text("{}")
    fingerprints.append(fingerprint_run(fasta, [bundle], -1))
    assert len({json.dumps(fingerprint) for fingerprint in fingerprints}) == len(fingerprints)
