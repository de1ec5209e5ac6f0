"""Compare the page of peftsp-app in a real browser with Python, and time it.

python experiments/robustness/browser.py fast proteome.fasta --proteins 500
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from browser import open_tab

from peftsp.app.cli import read_graph
from peftsp.app.page import build_page
from peftsp.data.fasta import EXAMPLES, read_fasta
from peftsp.inference.compute.onnx_model import OnnxModel
from peftsp.inference.compute.pipeline import predict_records
from peftsp.model.bundle_files import GRAPH_FILES
from peftsp.model.shipped import SHIPPED

WATCH = """
globalThis.pauses = [];
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  pauses.push(now - last);
  last = now;
}, 10);
"""
"""Notes how long the page takes from one turn of its timer to the next, in milliseconds."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="one that ships, or a file of peftsp-export")
    parser.add_argument("fasta", type=Path)
    parser.add_argument("--precision", choices=list(GRAPH_FILES), default="fp32")
    parser.add_argument("--proteins", type=int, default=500)
    parser.add_argument("--picture", type=Path, help="write what is seen then, as PNG")
    options = parser.parse_args()
    records = list(islice(read_fasta(options.fasta), options.proteins))
    text = "".join(f">{record.header}\n{record.residues}\n" for record in records)
    examples = EXAMPLES.read_text()
    graph, weights = read_graph([options.model], options.precision)
    page = build_page(graph, options.model, examples, weights)
    with tempfile.TemporaryDirectory() as name, open_tab(Path(name)) as tab:
        place = Path(name) / "page.html"
        place.write_text(page, encoding="utf-8")
        began = time.perf_counter()
        tab.open(place.as_uri())
        tab.wait_for("!byId('predict').disabled")
        print(f"{len(page) / 1e6:.1f} MB, ready after {time.perf_counter() - began:.1f} s")
        tab.run(f"{WATCH}; take([new File([{json.dumps(text)}], 'proteins.faa')])")
        tab.run("form.requestSubmit()")
        tab.wait_for("!byId('results').hidden", 3600)
        print(tab.run("said.textContent"), f"{tab.run('run.workers.length')} workers")
        longest, late, bytes_used = tab.run(
            "[pauses.reduce((a, b) => Math.max(a, b), 0), pauses.filter((p) => p > 100).length, "
            "performance.memory.usedJSHeapSize]"
        )
        print(
            f"longest pause of the page {longest:.0f} ms, {late} over 100 ms; "
            f"{bytes_used / 1e6:.0f} MB of the page's objects"
        )
        if options.picture:
            tab.picture(options.picture)
        found = tab.run(
            "records.map(({ type, site, probabilities }) => [type, site, probabilities])"
        )
    shipped = SHIPPED.get(options.model)
    path = shipped.folder / GRAPH_FILES[options.precision] if shipped else Path(options.model)
    expected = list(predict_records(records, OnnxModel(path, 1), 32))
    farthest = max(
        float(np.abs(np.subtract(ours[2], theirs.probabilities)).max())
        for ours, theirs in zip(found, expected, strict=True)
    )
    types, sites = (
        sum(
            ours[place] != getattr(theirs, name)
            for ours, theirs in zip(found, expected, strict=True)
        )
        for place, name in enumerate(("sp_type", "cleavage_site"))
    )
    print(
        f"{len(found)} proteins: probabilities differ by at most {farthest:.1e}, "
        f"{types} types and {sites} cleavage sites differ"
    )


if __name__ == "__main__":
    main()
