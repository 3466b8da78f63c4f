"""A newcomer can read any function on one screen and any module in one sitting."""

import ast
import io
import statistics
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("core", "geodata", "parties", "vouchers", "bookings", "matching", "planning", "maps", "app")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, FUNCTIONS)]


def lines(node):
    """Count the lines of a function without its docstring: words that explain are not what makes it long."""
    doc = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
    return node.end_lineno - node.lineno + 1 - (doc.end_lineno - doc.lineno + 1 if doc else 0)


def code_lines(path):
    """Count the lines that hold code: neither blank, nor comment, nor docstring."""
    tree = ast.parse(path.read_text("utf-8"))
    holders = [n for n in ast.walk(tree) if isinstance(n, (*FUNCTIONS, ast.ClassDef, ast.Module))]
    docs = {row for n in holders if ast.get_docstring(n, clean=False) for row in range(n.body[0].lineno, n.body[0].end_lineno + 1)}
    quiet = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER, tokenize.ENCODING}
    found = set()
    for token in tokenize.tokenize(io.BytesIO(path.read_bytes()).readline):
        if token.type not in quiet:
            found.update(range(token.start[0], token.end[0] + 1))
    return len(found - docs)


def test_functions_stay_short():
    sizes = sorted(lines(node) for path in MODULES for node in functions(path))
    assert statistics.median(sizes) <= 8
    assert sizes[int(len(sizes) * 0.95)] <= 40
    assert sizes[-1] <= 60


def test_modules_stay_readable():
    sizes = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8").count("\n") for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > 400} == {}
    assert statistics.median(size for size in sizes.values() if size > 1) <= 120


def test_the_core_stays_small():
    assert sum(code_lines(path) for path in (ROOT / "core").glob("*.py")) <= 250


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_functions_take_few_arguments(path):
    """Beyond five arguments stands a frozen value named by the trade; `session`, `actor` and `request_id` are the frame, not the picture."""
    frame = {"self", "cls", "session", "actor", "request_id"}
    for node in functions(path):
        given = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs) if a.arg not in frame]
        assert len(given) <= 5, f"{node.name} takes {given}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_modules_and_public_functions_say_what_they_are_for(path):
    tree = ast.parse(path.read_text("utf-8"))
    if tree.body:
        assert ast.get_docstring(tree), "a module says what it is for and what it leaves to others"
    for node in tree.body:
        if isinstance(node, FUNCTIONS) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
