"""A training that is killed, or started several times at once, leaves what it should."""

import subprocess
from pathlib import Path

import pytest

ORDEAL = Path(__file__).with_name("ordeal.py")


@pytest.mark.slow
@pytest.mark.parametrize(("what", "count"), [("run", 1), ("together", 2)])
def test_training_passes_the_ordeal(warm_python, tmp_path, what, count):
    command = [warm_python, str(ORDEAL), what, "--count", str(count), "--folder", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
