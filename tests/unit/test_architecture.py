"""Rules of the house that import-linter cannot state."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "portfolio"
ENVIRONMENT = {"environ", "environb", "getenv", "putenv", "dotenv_values", "load_dotenv"}


def modules_in(folder: Path) -> list[Path]:
    """Every module below the folder, in a stable order."""
    return sorted(folder.rglob("*.py"))


def name_of(module: Path) -> str:
    """The path within the package, which names the test case."""
    return str(module.relative_to(SOURCE))


def imported_by(module: Path) -> Iterator[str]:
    """The full names of the modules that it imports, wherever in the file."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def names_used_by(module: Path) -> Iterator[str]:
    """The names and attributes that it mentions."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("module", modules_in(SOURCE / "domain"), ids=name_of)
def test_the_domain_imports_itself_and_the_standard_library_alone(module: Path) -> None:
    foreign = [
        name
        for name in imported_by(module)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("portfolio.domain")
    ]
    assert foreign == []


@pytest.mark.parametrize("module", modules_in(SOURCE / "domain"), ids=name_of)
def test_the_domain_knows_no_float(module: Path) -> None:
    literals = [
        node.lineno
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    assert literals == []


def test_nothing_but_the_settings_reads_the_environment() -> None:
    # What numpy and scipy read there is set before they are imported, and what a process that Python starts reads.
    sets_one = {"analytics/__init__.py", "adapters/compute/worker.py", "adapters/compute/process.py"}
    readers = [name_of(module) for module in modules_in(SOURCE) if ENVIRONMENT & set(names_used_by(module))]
    assert set(readers) - sets_one <= {"settings.py"}


def test_the_composition_root_is_short_as_each_group_of_commands_has_a_module_of_its_own() -> None:
    assert len((SOURCE / "main.py").read_text().splitlines()) <= 100


def test_a_command_starts_without_what_only_others_need() -> None:
    # Together a third of the time that a start takes.
    heavy = {"alembic", "httpx", "litestar", "numpy", "polars", "rich", "structlog"}
    program = f"import sys, portfolio.main; print(*sorted({heavy} & sys.modules.keys()))"
    started = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert started.stdout.split() == []
