"""How the package is written: short files, documented names, a test beside each module."""

import ast
import statistics
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = sorted((REPOSITORY / "peftsp").rglob("*.py"))
SCRIPTS = [REPOSITORY / "train.py", REPOSITORY / "predict.py"]
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
EXPERIMENTS = sorted((REPOSITORY / "experiments").rglob("*.py"))
TESTED_ELSEWHERE = {
    "memory/__main__": "memory/test_memory_cli.py",
    "prepare/entry": "prepare/test_prepare_labels.py",
    "report/__main__": "report/test_report_cli.py",
    "search/__main__": "search/test_search_cli.py",
}
"""Modules whose behaviour shows in the tests of a neighbour."""


def name_of(path):
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS, *TESTS, *EXPERIMENTS], ids=name_of)
def test_file_is_short(path):
    assert len(path.read_text().splitlines()) <= 300


def test_most_files_are_shorter_still():
    lengths = [len(path.read_text().splitlines()) for path in MODULES]
    assert statistics.median(lengths) < 150


def test_entry_points_hold_no_logic():
    for path in SCRIPTS:
        body = ast.parse(path.read_text()).body
        kinds = {type(node) for node in body}
        assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.If}, path.name
        assert len(body) <= 5, path.name


def public_definitions(tree, prefix=""):
    """Public functions, classes and methods of a module, with their names."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if node.name.startswith("_"):
                continue
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node, f"{node.name}.")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_public_names_are_documented(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the module"
    missing = [name for name, node in public_definitions(tree) if not ast.get_docstring(node)]
    assert missing == []


def written_texts(tree):
    """Calls that open a file for text to write, or write one."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        mode = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
        is_opened = node.func.attr == "open" and mode in ("w", "a", "x", "w+", "a+")
        if (is_opened or node.func.attr == "write_text") and "devnull" not in ast.dump(node):
            yield node


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_written_texts_are_the_same_on_every_system(path):
    calls = written_texts(ast.parse(path.read_text()))
    ends = [(node.lineno, {word.arg for word in node.keywords}) for node in calls]
    assert not [line for line, words in ends if "newline" not in words]


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_read_texts_are_the_same_on_every_system(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    reading = [node for node in calls if getattr(node.func, "attr", "") == "read_text"]
    assert not [node.lineno for node in reading if not node.args and not node.keywords]


def test_no_module_is_a_drawer():
    drawers = {"utils", "util", "helpers", "common", "misc", "tools", "core"}
    assert not [path for path in MODULES if path.stem in drawers or path.parent.name in drawers]


MODULE_NAMES = [
    path.relative_to(REPOSITORY / "peftsp").with_suffix("").as_posix()
    for path in MODULES
    if path.stem != "__init__"
]


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_module_has_its_test(name):
    tests = REPOSITORY / "tests"
    folder, _, stem = name.rpartition("/")
    packages = (word.removesuffix(end) for word in folder.split("/") for end in ("", "s"))
    names = {f"test_{stem}", *(f"test_{package}_{stem}" for package in packages)}
    beside = [path for path in (tests / folder).glob("test_*.py") if path.stem in names]
    if name in TESTED_ELSEWHERE:
        assert not beside, f"tests/{folder} has a test of its own now: {beside}"
        path = tests / TESTED_ELSEWHERE[name]
        assert path.is_file()
    elif folder != "peft":  # where the contract suite finds every method by itself
        assert beside, f"tests/{folder}: expected one of {', '.join(sorted(names))}, found none"


def test_no_test_is_left_behind_by_its_module():
    assert TESTED_ELSEWHERE.keys() <= set(MODULE_NAMES)
    beyond = {"architecture", "config", "contracts", "e2e"}
    folders = {path.name for path in (REPOSITORY / "tests").iterdir() if path.is_dir()}
    packages = {path.name for path in (REPOSITORY / "peftsp").iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} - beyond <= packages
