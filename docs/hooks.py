"""What MkDocs does beside rendering: linked files come along, references are generated."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.structure.files import File, Files

REPOSITORY = Path(__file__).resolve().parent.parent
_DOCS = PurePosixPath("docs")
_LINK = re.compile(r"(\]\()([^)\s#:]+)(#[^)]*)?(\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the generated references, and what pages link to elsewhere in the repository."""
    written = {
        "reference/commands.md": _commands(),
        "reference/settings.md": _settings(),
        "changelog.md": (REPOSITORY / "CHANGELOG.md").read_text(),
    }
    for place, content in written.items():
        files.append(File.generated(config, place, content=content))
    waiting = [_DOCS / file.src_uri for file in files.documentation_pages() if file.abs_src_path]
    elsewhere = set(_pages_of(config["nav"])) - set(files.src_uris)
    for place in elsewhere:
        files.append(_mirrored(config, place))
    waiting += map(PurePosixPath, elsewhere)
    seen = set(waiting)
    while waiting:
        page = waiting.pop()
        for link in _LINK.finditer((REPOSITORY / page).read_text()):
            target = _target(page, link[2])
            if target is None or target in seen:
                continue
            seen.add(target)
            if not target.is_relative_to(_DOCS):
                files.append(_mirrored(config, str(target)))
            if target.suffix == ".md":
                waiting.append(target)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links between parts of the repository lead to their pages here."""
    own = PurePosixPath(page.file.src_uri)
    source = _DOCS / own if (REPOSITORY / _DOCS / own).is_file() else own

    def relink(link: re.Match[str]) -> str:
        target = _target(source, link[2])
        if target is None:
            return link[0]
        place = target.relative_to(_DOCS) if target.is_relative_to(_DOCS) else target
        return f"{link[1]}{os.path.relpath(place, own.parent)}{link[3] or ''}{link[4]}"

    return _LINK.sub(relink, markdown)


def _pages_of(nav: Any) -> Iterator[str]:
    """Every page that a navigation names, however deep."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages_of(part)


def _mirrored(config: Any, place: str) -> File:
    """A file of the repository at the same place of the site."""
    return File.generated(config, place, content=(REPOSITORY / place).read_bytes())


def _target(page: PurePosixPath, link: str) -> PurePosixPath | None:
    """The repository's file that a page links to; None where it links to no file."""
    path = PurePosixPath(os.path.normpath(page.parent / link))
    if (REPOSITORY / path).is_dir():
        path /= "README.md"
    return path if (REPOSITORY / path).is_file() else None


def _commands() -> str:
    """A page with what each installed command says of itself."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    parts = ["# Commands\n\nWhat each command prints with `--help`.\n"]
    for name, entry in sorted(project["scripts"].items()):
        module, function = entry.split(":")
        shown = subprocess.run(
            [sys.executable, "-c", _HELP.format(module=module, function=function, name=name)],
            capture_output=True,
            text=True,
            check=True,
            cwd=REPOSITORY,
            env={**os.environ, "COLUMNS": "96"},
        )
        parts.append(f"## {name}\n\n```text\n{shown.stdout.strip()}\n```\n")
    return "\n".join(parts)


_HELP = """
import sys
from {module} import {function}
sys.argv = ["{name}", "--help"]
{function}()
"""


def _settings() -> str:
    """A page with the files of `conf/`, each of which says what its settings mean."""
    parts = [
        "# Settings\n\nEach file under `conf/`; `group=choice` picks one, `group.setting=value` "
        "changes what it says.\n"
    ]
    folder = REPOSITORY / "conf"
    for title, name in (("Whatever is chosen", "train.yaml"), ("In a search", "search.yaml")):
        whole = (folder / name).read_text().partition("\nhydra:")[0].strip()
        parts.append(f"## {title}\n\n```yaml\n{whole}\n```\n")
    for group in sorted(path for path in folder.rglob("*") if path.is_dir()):
        choices = sorted(group.glob("*.yaml"))
        if choices:
            parts.append(f"## {group.relative_to(folder)}\n")
        for path in choices:
            parts.append(f"### {path.stem}\n\n```yaml\n{path.read_text().strip()}\n```\n")
    return "\n".join(parts)
