"""Proves the shape of the code: the sizes of folders, files, classes and functions, and the number of parameters.

A class or function that is over its size says why beside it, in a comment on the line of its name: ``# shape: the
reason``. A reason that is no longer needed is a finding too. Parameters that a framework passes, to the handler of a
route or to a command, are not counted: each is a part of the request or an option.

Run as `python -m checks.shape`.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = ("src", "tests", "migrations", "benchmarks", "checks")
SOURCES = ("src", "migrations", "benchmarks", "checks")

MOST_FILES = 16  # __init__.py apart
MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
MOST_LINES_OF_A_CLASS = 150
MOST_PARAMETERS = 5  # self and cls apart

MARK = "# shape: "
CALLED_BY_A_FRAMEWORK = {"command", "delete", "get", "post", "websocket"}
# Numbered, one after the other: a folder of them is a list, not a room.
LISTS = {Path("migrations/versions")}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Finding:
    """Something larger than it may be, without a reason beside it."""

    place: str
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def crowded_folders(root: Path = ROOT) -> Iterator[Finding]:
    """Yield the folders with too many files: modules, templates, and what tests read."""
    counts = Counter(file.parent for name in FOLDERS for file in (root / name).rglob("*") if _is_counted(file))
    for folder in sorted(counts.keys() - {root / name for name in LISTS}):
        if counts[folder] > MOST_FILES:
            yield Finding(str(folder.relative_to(root)), f"{counts[folder]} files, at most {MOST_FILES}")


def large_definitions(source: str, name: str) -> Iterator[Finding]:
    """Yield the functions and classes of a module that are over their size, and reasons that nothing needs."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, Function | ast.ClassDef):
            continue
        place, over = f"{name}:{node.lineno} {node.name}", list(_excesses(node))
        if not lines[node.lineno - 1].partition(MARK)[2].strip():
            yield from (Finding(place, excess) for excess in over)
        elif not over:
            yield Finding(place, "the reason beside it is not needed any more")


def findings(root: Path = ROOT) -> list[Finding]:
    """Return everything in a checkout that is over its size."""
    found = list(crowded_folders(root))
    for folder in SOURCES:
        for file in sorted((root / folder).rglob("*.py")):
            source, name = file.read_text(encoding="utf-8"), str(file.relative_to(root))
            if (count := len(source.splitlines())) > MOST_LINES_OF_A_FILE:
                found.append(Finding(name, f"{count} lines, at most {MOST_LINES_OF_A_FILE}"))
            found += large_definitions(source, name)
    return found


def _is_counted(file: Path) -> bool:
    return file.is_file() and file.name != "__init__.py" and file.parent.name != "__pycache__"


def _excesses(node: Function | ast.ClassDef) -> Iterator[str]:
    """Yield in what a class or function is over its size."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if isinstance(node, ast.ClassDef):
        if length > MOST_LINES_OF_A_CLASS:
            yield f"a class of {length} lines, at most {MOST_LINES_OF_A_CLASS}"
        return
    if length > MOST_LINES_OF_A_FUNCTION:
        yield f"{length} lines, at most {MOST_LINES_OF_A_FUNCTION}"
    if (count := _parameters(node)) > MOST_PARAMETERS and CALLED_BY_A_FRAMEWORK.isdisjoint(_decorators(node)):
        yield f"{count} parameters, at most {MOST_PARAMETERS}"


def _parameters(function: Function) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def _decorators(function: Function) -> Iterator[str]:
    """Yield the last names of decorators that are called: ``get`` of ``@get("/lots")``."""
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call):
            yield ast.unparse(decorator.func).rpartition(".")[2]


if __name__ == "__main__":
    over = findings()
    print(*over, f"{len(over)} over their size" if over else "every folder, function and class has its size", sep="\n")
    sys.exit(bool(over))
