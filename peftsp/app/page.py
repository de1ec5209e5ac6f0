"""One HTML file with the model, ONNX Runtime Web and the report's table, which needs nothing else.

What a browser may do with it is said in its policy: it can send nothing anywhere.
"""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Any

from peftsp.alphabet import CLS_TOKEN, EOS_TOKEN, PAD_TOKEN
from peftsp.data import nucleotides
from peftsp.data.tokens import TOKEN_OF_RESIDUE
from peftsp.errors import ConfigError
from peftsp.inference.compute import evidence
from peftsp.inference.compute.options import EUKARYA, KINGDOM_NAMES
from peftsp.inference.formats.gff3 import TYPES_IN_CHAIN, TYPES_IN_PEPTIDE
from peftsp.inference.formats.page import PageParts, render_page
from peftsp.inference.formats.signalp6.tables import COLUMNS as SIGNALP6_COLUMNS
from peftsp.labels import MAX_RESIDUES, NO_SP, RESIDUE_REGIONS, SP_TYPES, STATES
from peftsp.records import SURE_SITE, UNSURE_SITE
from peftsp.state_paths import path_motifs, path_regions
from peftsp.web_page import find_template

_RUNTIME = Path("node_modules") / "onnxruntime-web" / "dist"
_FILES = {"ort-script": "ort.wasm.bundle.min.mjs", "ort-wasm": "ort-wasm-simd-threaded.wasm"}
_SCRIPTS = ("fasta.js", "downloads.js", "app.js")
_KINGDOM_TITLES = {
    "other": "other, or not known",
    "eukarya": "eukaryotes",
    "positive": "Gram-positive bacteria",
    "negative": "Gram-negative bacteria",
    "archaea": "archaea",
}
_DOWNLOADS = """
<button type="button" id="gff3">All as GFF3</button>
<button type="button" id="signalp6">All as SignalP 6 table</button>
"""


def build_page(
    graph: bytes,
    name: str,
    examples: str,
    weights: Mapping[str, bytes] | None = None,
    runtime: Path | None = None,
) -> str:
    """The page that predicts with a graph.

    Args:
        graph: A file of `peftsp.export`, whole.
        weights: The files that the graph takes its weights from, by the names that it has for them.
        name: What the page calls the model.
        examples: FASTA that the page can be tried with.
        runtime: Folder of ONNX Runtime Web's files; by default where ``npm ci`` puts them.

    Raises:
        ConfigError: ONNX Runtime Web is not there.
    """
    packed = {key: _read_runtime(file, runtime) for key, file in _FILES.items()}
    packed["model"] = graph
    names = {f"weights-{number}": path for number, path in enumerate(weights or {})}
    packed |= {key: (weights or {})[path] for key, path in names.items()}
    data = "\n".join(
        f'<script type="application/octet-stream" id="{key}">{_packed(content)}</script>'
        for key, content in packed.items()
    )
    data += f'\n<script type="text/plain" id="worker">{_text("worker.js")}</script>'
    data += f'\n<template id="example-proteins">{escape(examples)}</template>'
    parts = PageParts(
        title="Signal peptides",
        form=find_template("peftsp.app").render(kingdoms=KINGDOM_NAMES, titles=_KINGDOM_TITLES),
        data=data,
        style=_text("app.css"),
        script="".join("\n" + _text(file) for file in _SCRIPTS),
        vocabulary={**_vocabulary(name), "weights": names},
        policy={"script-src": "blob: 'wasm-unsafe-eval'", "worker-src": "blob:"},
        tools=_DOWNLOADS,
    )
    counts = [
        {
            "name": name,
            "state": "" if name == SP_TYPES[NO_SP] else "checked",
            "share": 0,
            "count": 0,
        }
        for name in SP_TYPES
    ]
    facts = f"model {name}; the sequences stay in this browser"
    return render_page(facts=facts, counts=counts, notice="", records="[]", parts=parts)


def _vocabulary(name: str) -> dict[str, Any]:
    def index_of(stretches: Any) -> int | None:
        return RESIDUE_REGIONS.index(stretches[0].name) if stretches else None

    states = range(len(STATES))
    return {
        "model": name,
        "maxResidues": MAX_RESIDUES,
        "kingdoms": KINGDOM_NAMES,
        "eukarya": EUKARYA,
        "tokens": {
            **{"start": CLS_TOKEN, "end": EOS_TOKEN, "pad": PAD_TOKEN},
            "letters": TOKEN_OF_RESIDUE,
        },
        "regionOfState": [index_of(path_regions([state])) for state in states],
        "motifOfState": [index_of(path_motifs([state])) for state in states],
        "evidence": {
            "enough": evidence.ENOUGH_RESIDUES,
            "nTerminus": evidence.N_TERMINUS,
            "enoughAtNTerminus": evidence.ENOUGH_AT_N_TERMINUS,
            "unknown": evidence.UNKNOWN,
            "few": evidence.FEW_RESIDUES,
            "inside": evidence.ENDS_INSIDE,
            "unsure": UNSURE_SITE,
            "sureSite": SURE_SITE,
        },
        "nucleotides": {
            "lookedAt": nucleotides.LOOKED_AT,
            "letters": nucleotides.LETTERS,
            "bases": nucleotides.BASES,
            "minShare": nucleotides.MIN_SHARE,
            "minLetters": nucleotides.MIN_LETTERS,
            "minBaseShare": nucleotides.MIN_BASE_SHARE,
        },
        "gff3": {"typesInPeptide": TYPES_IN_PEPTIDE, "typesInChain": TYPES_IN_CHAIN},
        "signalp6": {"columns": SIGNALP6_COLUMNS},
    }


def _read_runtime(name: str, folder: Path | None) -> bytes:
    place = folder or Path(str(files("peftsp.app"))) / _RUNTIME
    try:
        return (place / name).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{place / name}: expected ONNX Runtime Web, found none: npm ci --prefix "
            f"{files('peftsp.app')}"
        ) from error


def _packed(content: bytes) -> str:
    # Without a time, so that one model gives one page.
    return b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _text(name: str) -> str:
    return (files("peftsp.app") / name).read_text(encoding="utf-8")
