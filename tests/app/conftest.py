import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def runtime(tmp_path_factory):
    """ONNX Runtime Web's files, where they are installed or can be had."""
    app = Path(str(files("peftsp.app")))
    place = Path("node_modules") / "onnxruntime-web" / "dist"
    if (app / place).is_dir():
        return app / place
    if shutil.which("npm") is None:
        pytest.skip("neither ONNX Runtime Web nor npm is installed")
    folder = tmp_path_factory.mktemp("npm")
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(app / name, folder)
    done = subprocess.run(["npm", "ci"], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"npm ci: {done.stderr[-200:]}")
    return folder / place
