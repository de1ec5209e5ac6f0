"""One file with all that a report's figures need, to lie beside a publication."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Sequence
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pandas as pd

from peftsp import __version__
from peftsp.durable import whole_file
from peftsp.errors import RunError
from peftsp.report.table import Table
from peftsp.runs.folder import BUNDLE
from peftsp.runs.identity import INPUTS
from peftsp.runs.record import LOGS, PREDICTIONS_FILE, RUN_FILE, RunRecord
from peftsp.runs.results import Run

SETTINGS = "settings"
SUMS = "SHA256SUMS"
_OF_A_RUN = (RUN_FILE, PREDICTIONS_FILE, "metrics.csv", f"{LOGS}/version_*/metrics.csv")
_OF_A_START = ("paths", "ckpt_path", "overwrite", "search")
"""Settings of how a run was started, and where."""
_SUMMARY = """\
# What a report was made of

`report/report.html` is the report, `report/tables` has its numbers, `report/figures` its figures.
`runs/` holds what each run left: `run.json` with its settings, seed, commit and the hashes of its
data and backbone; what it predicted for each test protein; its learning curves{bundles}.

{table}
Made with peftsp {version}; `constraints.txt` has the version of each package that was installed,
`{sums}` the hash of each file here (`sha256sum --check {sums}`). With this `constraints.txt`, in
a checkout of peftsp,

```sh
pip install --constraint constraints.txt '.[report]'
```

installs the same, and in this folder

```sh
{report}
{train}
```

make the report and the runs again. What a run reads lies where its settings say, or where
`data.path=…`, `backbone.checkpoint=…`, `init_from=…` and `ckpt_path=…` behind the command say; its
hashes are to be those above.
"""


def check_archive(path: Path) -> None:
    """Check that an archive may be written.

    Raises:
        RunError: Its name is no .zip file's, or something is there.
    """
    if path.suffix != ".zip":
        raise RunError(f"{path}: expected a name that ends in .zip")
    if path.exists():
        raise RunError(f"{path}: expected nothing there yet, found a file or folder")


def write_archive(
    path: Path,
    runs: Sequence[Run],
    report: Sequence[Path],
    options: Sequence[str],
    has_bundles: bool,
) -> None:
    """Write the archive; the same runs and report give the same bytes.

    Args:
        path: A new .zip file.
        runs: Of the report.
        report: Its files and folders.
        options: Of the command that made it, without runs and folder.
        has_bundles: Put the models in, too.

    Raises:
        RunError: See `check_archive`.
    """
    check_archive(path)
    entries: dict[str, bytes] = {}
    for place in report:
        entries |= _files(f"report/{place.name}", place, place.rglob("*") if place.is_dir() else [])
    # In the report's order, so that methods of one name get the same numbers in it.
    runs = sorted(runs, key=lambda run: str(run.folder))
    digits = max(3, len(str(len(runs))))
    names = [
        f"runs/{n:0{digits}}-{Path(run.record.name).name}" for n, run in enumerate(runs, start=1)
    ]
    for name, run in zip(names, runs, strict=True):
        for pattern in _OF_A_RUN + ((f"{BUNDLE}/**/*",) if has_bundles else ()):
            entries |= _files(name, run.folder, run.folder.glob(pattern))
        entries[f"{name}/{SETTINGS}.yaml"] = _settings(run.record).encode()
    entries["constraints.txt"] = _installed().encode()
    entries["README.md"] = _SUMMARY.format(
        bundles="; its model, in `bundle`" if has_bundles else "",
        table=_table(names, [run.record for run in runs]).markdown(),
        version=__version__,
        sums=SUMS,
        report=shlex.join(["peftsp-report", "runs", "-o", "again", *options]),
        train="\n".join(
            shlex.join(["peftsp-train", "--config-dir", name, "--config-name", SETTINGS])
            for name in names
        ),
    ).encode()
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in entries.items()}
    entries[SUMS] = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()
    with whole_file(path) as partial, ZipFile(partial, "w", ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            # Without a date and a user, which would be other bytes each time.
            entry = ZipInfo(name)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, entries[name], ZIP_DEFLATED)


def _files(name: str, folder: Path, paths: Iterable[Path]) -> dict[str, bytes]:
    """Contents of files below a folder, or of the one file, by their names in the archive."""
    if folder.is_file():
        return {name: folder.read_bytes()}
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in paths
        if path.is_file()
    }


def _settings(record: RunRecord) -> str:
    """Settings as a file for ``--config-name``, whose run lies below the current folder."""
    settings = record.settings
    began_from = settings["ckpt_path"] if record.checkpoint_sha256 else None
    moved = _moved(settings, settings.get("paths", {}))
    for group, _, name in (place.rpartition(".") for place in INPUTS):
        # What is read stays where it is, though it may lie among the runs.
        within, given = (s.get(group, {}) if group else s for s in (moved, settings))
        if name in given:
            within[name] = given[name]
    whole = {
        "defaults": [{"paths": "default"}, "_self_", {"override hydra/job_logging": "stdout"}],
        **{"ckpt_path": began_from, "overwrite": False},
        "hydra": {"output_subdir": None, "run": {"dir": "${paths.output_dir}"}},
        **{name: value for name, value in moved.items() if name not in _OF_A_START},
    }
    # JSON is YAML.
    return json.dumps(whole, indent=2) + "\n"


def _moved(value: Any, paths: dict[str, Any]) -> Any:
    """Settings in which paths of and below a run's folders are told by the folders' names."""
    if isinstance(value, dict):
        return {name: _moved(found, paths) for name, found in value.items()}
    if isinstance(value, list):
        return [_moved(found, paths) for found in value]
    # The longest first, as one lies in the other.
    for name in ("output_dir", "prefix_dir", "runs_dir"):
        place = paths.get(name)
        if place and isinstance(value, str) and f"{value}/".startswith(f"{place}/"):
            return f"${{paths.{name}}}{value[len(place) :]}"
    return value


def _installed() -> str:
    found = {f"{d.name}=={d.version}" for d in distributions() if d.name != "peftsp"}
    return "".join(f"{line}\n" for line in sorted(found, key=str.lower))


def _table(names: Sequence[str], records: Sequence[RunRecord]) -> Table:
    rows = [
        {
            **{"run": name, "method": record.method, "backbone": record.backbone},
            **{"fold": record.fold, "seed": record.seed, "commit": record.commit or "–"},
            **{"data (sha256)": record.dataset.sha256, "backbone (sha256)": record.backbone_sha256},
            **{"further data (sha256)": record.extra_sha256 or "–"},
            **{"begun from (sha256)": record.start_sha256 or "–"},
            **{"gone on from (sha256)": record.checkpoint_sha256 or "–"},
        }
        for name, record in zip(names, records, strict=True)
    ]
    return Table("runs", "The runs.", pd.DataFrame(rows), pd.DataFrame(rows))
