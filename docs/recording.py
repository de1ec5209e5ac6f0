"""Records a terminal: `python docs/recording.py` writes `terminal.cast` and `terminal.svg`.

The first is for asciinema (asciicast v2), the second moves in any browser. Commands, what they
print and when they print it are real; the typing is not.
"""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from rich.console import Console

DOCS = Path(__file__).resolve().parent
CAST, PICTURE = DOCS / "terminal.cast", DOCS / "terminal.svg"
COMMANDS = (
    "peftsp-predict proteins.fasta -o out --formats csv,gff3,html",
    "cut -d, -f1,2,9,10 out/predictions.csv",
    "grep OMPA_ECOLI out/predictions.gff3 | cut -f3-6",
    "peftsp-predict proteins.fasta -o eukaryotes --model fast --kingdom eukarya",
    "ls out",
)
_WIDTH = 100
_PROMPT = "$ "
_A_KEY, _A_LOOK = 0.05, 1.2
_STYLE = """
@keyframes come {{ from {{ opacity: 0 }} }}
@keyframes typing {{ from {{ clip-path: inset(0 100% 0 0) }} to {{ clip-path: inset(0) }} }}
@media (prefers-reduced-motion: no-preference) {{ {rules} }}
</style>"""

Event = tuple[float, str]
"""Seconds from the beginning, and what the terminal shows then."""


def record(folder: Path) -> list[Event]:
    """Type and run `COMMANDS` in a folder.

    Raises:
        CalledProcessError: One of them failed.
    """
    events: list[Event] = []
    now = 0.0
    for command in COMMANDS:
        for key in _PROMPT, *command, "\r\n":
            events.append((now, key))
            now = round(now + _A_KEY, 3)
        events += [(round(now + s, 3), text) for s, text in _run(command, folder)]
        now = round(events[-1][0] + _A_LOOK, 3)
    return [*events, (now, _PROMPT)]


def _run(command: str, folder: Path) -> list[Event]:
    """What a command shows in a terminal of its own, from its start on."""
    ours, theirs = pty.openpty()
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": str(_WIDTH), "TERM": "xterm-256color"}
    began = time.perf_counter()
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(command, shell=True, cwd=folder, env=environment, **streams)
    os.close(theirs)
    events = []
    # Linux tells of the other end's close by an error.
    while read := _read(ours):
        events.append((round(time.perf_counter() - began, 3), read))
    os.close(ours)
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command)
    return events


def _read(stream: int) -> str:
    try:
        return os.read(stream, 1 << 16).decode()
    except OSError:
        return ""


def of_cast(cast: str) -> list[Event]:
    """What `as_cast` was made of."""
    lines = map(json.loads, cast.splitlines()[1:])
    return [(seconds, text) for seconds, _, text in lines]


def as_cast(events: list[Event]) -> str:
    """The recording as asciinema plays it."""
    height = "".join(text for _, text in events).count("\n") + 1
    header = {"version": 2, "width": _WIDTH, "height": height, "title": "peftsp"}
    lines = [header, *([seconds, "o", text] for seconds, text in events)]
    return "".join(f"{json.dumps(line)}\n" for line in lines)


def as_svg(events: list[Event]) -> str:
    """The last screen as a picture, in which each line comes when it came."""
    lines: list[tuple[float, str]] = []
    for seconds, text in events:
        for number, part in enumerate(re.split(r"\r?\n", text)):
            if number or not lines:
                lines.append((seconds, ""))
            _, drawn_over, after = part.rpartition("\r")
            if drawn_over or not lines[-1][1]:
                lines[-1] = (seconds, after)
            else:
                lines[-1] = (lines[-1][0], lines[-1][1] + after)
    console = Console(record=True, width=_WIDTH, file=StringIO())
    rules = []
    for number, (seconds, shown) in enumerate(_wrapped(lines)):
        console.print(shown, markup=False, highlight=False)
        keys = len(shown) - len(_PROMPT) if shown.startswith(_PROMPT) else 0
        kind = f"typing {keys * _A_KEY:.2f}s steps({keys})" if keys > 0 else "come 1ms"
        place = f'[clip-path="url(#peftsp-line-{number})"]'
        rules.append(f"{place} {{ animation: {kind} {seconds:.2f}s both }}")
    svg = console.export_svg(title="peftsp", unique_id="peftsp")
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    return svg.replace("</style>", _STYLE.format(rules="\n".join(rules)), 1)


def _wrapped(lines: list[Event]) -> Iterator[Event]:
    """Lines as wide as the terminal, without colours."""
    for seconds, text in lines:
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).expandtabs()
        for start in range(0, len(plain) or 1, _WIDTH):
            yield seconds, plain[start : start + _WIDTH]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(DOCS.parent / "examples" / "proteins.fasta", name)
        found = record(Path(name))
    CAST.write_text(as_cast(found))
    PICTURE.write_text(as_svg(found))
    print(f"{found[-1][0]:.1f} s")
