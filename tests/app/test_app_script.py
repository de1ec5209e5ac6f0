"""The form's script beside workers that fail, in Node with a page of a few stubs."""

import shutil
import subprocess
from pathlib import Path

import pytest

APP = Path(__file__).resolve().parents[2] / "peftsp" / "app"
STUBS = """
const element = () => ({
  textContent: "", value: "", hidden: false, disabled: false, placeholder: "", childNodes: [{}, {}],
  classList: { toggle() {} }, addEventListener(kind, listener) { this[`on${kind}`] = listener; },
  remove() {}, replaceChildren() {}, setAttribute() {},
});
const elements = {};
const byId = (id) => (elements[id] ??= element());
const listeners = {};
globalThis.document = {
  addEventListener: (kind, listener) => (listeners[kind] = listener), querySelectorAll: () => [],
  createElement: element,
};
const vocabulary = { weights: {}, model: "small" };
let shown = null;
const records = [];
const showRecords = (found) => (shown = found);
const areNucleotides = (proteins) => proteins.some(({ header }) => header.includes("ACGT"));
const parseFasta = (text) => {
  return { proteins: text.split(" ").map((header) => ({ header })), wrong: [] };
};
"""
CASES = """
class Slow {
  constructor(name, milliseconds) { Object.assign(this, { name, milliseconds }); }
  postMessage({ proteins }) {
    setTimeout(() => {
      if (this.name === "dying") return this.onerror({ message: "killed" });
      if (this.name === "failing") return this.onmessage({ data: { error: "too little memory" } });
      this.onmessage({ data: { records: proteins.map(({ header }) => header) } });
    }, this.milliseconds);
  }
}
const many = (name) => Array.from({ length: 64 }, (_, number) => `${name}${number}`).join(" ");
const submitted = (text) => ((box.value = text), form.onsubmit({ preventDefault() {} }));
(async () => {
  const sound = new Slow("sound", 30), bad = new Slow(process.argv[2], 1);
  run.workers = [sound, bad];
  await submitted(many("first"));
  console.log(byId("said").textContent, run.workers.length, shown === null);
  bad.name = "sound";
  await submitted(many("second"));
  console.log(shown.length, shown.every((name) => name.startsWith("second")));
  run.workers = [];
  await submitted(many("third"));
  console.log(byId("said").textContent);
  box.value = "kept";
  listeners.drop({ preventDefault() {}, dataTransfer: { types: ["text/plain"], files: [] } });
  await take([]);
  console.log(box.value);
  const file = (name, text) => ({ name, stream: () => text });
  const named = file("a.faa", ">a\\nMKKTAI\\n");
  await take([named, file("my own.txt", "MSSLLV"), file("none.txt", "\\n")]);
  console.log(JSON.stringify(box.value));
  await take([named, file("genes.fna", ">g\\nACGTACGT\\n")]);
  console.log(byId("said").textContent, box.value.includes("ACGT"));
})();
"""


@pytest.mark.parametrize(
    ("kind", "message", "left"), [("failing", "too little memory", 2), ("dying", "killed", 1)]
)
def test_worker_that_fails_spoils_no_later_run(tmp_path, kind, message, left):
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    script = tmp_path / "case.js"
    form = (APP / "app.js").read_text().partition("beginWorkers().catch")[0]
    naming = (APP / "fasta.js").read_text().partition("function withName")[2].partition("\n}\n")[0]
    script.write_text(STUBS + f"function withName{naming}\n}}\n" + form + CASES)
    done = subprocess.run(
        [node, script, kind], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stdout.splitlines() == [
        f"The prediction has failed: {message} {left} true",
        "64 true",
        "The prediction has failed: no worker is left; load the page again",
        "kept",
        '">a\\nMKKTAI\\n\\n>my_own.txt\\nMSSLLV\\n\\n"',
        "genes.fna: the sequences look like DNA or RNA; proteins are needed. Translate them first. "
        "false",
    ], done.stderr


def test_blanks_of_pages_and_pdfs_are_no_residues(tmp_path):
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed")
    script = tmp_path / "case.js"
    reader = (APP / "fasta.js").read_text()
    shown = 'console.log(parseFasta(">P1\\nMK\\u00a0L \\t A\\u2009V\\n").proteins[0].residues);'
    script.write_text(f"const vocabulary = {{ maxResidues: 70 }};\n{reader}\n{shown}\n")
    done = subprocess.run([node, script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "MKLAV\n"
