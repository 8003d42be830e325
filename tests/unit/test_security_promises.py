"""SECURITY.md names a test for each promise: all of them are there."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def promises() -> dict[str, list[tuple[str, str]]]:
    """The promises of the table, each with the files and names of its tests."""
    found: dict[str, list[tuple[str, str]]] = {}
    for promise, tests in re.findall(r"^\| (.+?) \| (`tests/.+) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE):
        file, found[promise] = "", []
        for path, name in re.findall(r"`(tests/[a-z_/]+\.py)?::(test_\w+)`", tests):
            file = path or file
            found[promise].append((file, name))
    return found


def test_every_promise_has_a_test_that_is_there() -> None:
    assert len(promises()) >= 15
    for promise, tests in promises().items():
        assert tests, promise
        for file, name in tests:
            tree = ast.parse((ROOT / file).read_text())
            defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
            assert name in defined, f"{promise}: {file}::{name}"
