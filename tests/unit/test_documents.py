"""The documents say what is there: links lead somewhere, and what is listed is listed whole."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio import __version__
from portfolio.adapters.database.schema.tables import RUNS_ON
from portfolio.entrypoints.http.operations import figures
from portfolio.entrypoints.http.shell import metrics

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "portfolio"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LEVELS = {"debug", "info", "warning", "error", "exception"}
EVENT = re.compile(r"[a-z]+(\.[a-z_]+)+")


def name_of(page: Path) -> str:
    """The path within the project, which names the test case."""
    return str(page.relative_to(ROOT))


def events_logged() -> Iterator[str]:
    """The names of the events that the code logs."""
    for module in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS:
                names = [given.value for given in node.args[:1] if isinstance(given, ast.Constant)]
                yield from (name for name in names if isinstance(name, str) and EVENT.fullmatch(name))


def headings_of(page: Path) -> set[str]:
    """The anchors that a page has, as they are made of its headings."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        assert not anchor or anchor in headings_of(file), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    pattern = (
        r"`((?:src|tests|checks|migrations|benchmarks|docs|domain|application|adapters|entrypoints|analytics)/[\w./-]*)"
    )
    for path in re.findall(pattern, text):
        assert (ROOT / path).exists() or (SOURCE / path).exists(), path


def test_every_test_that_the_page_on_faults_names_is_there() -> None:
    found = re.findall(
        r"`(?:(?:[\w/]+/)?(test_\w+\.py))?(?:::(test_\w+))?`", (ROOT / "docs" / "reliability.md").read_text()
    )
    assert len(found) >= 33
    file = ""
    for given, name in found:
        file = given or file
        [module] = (ROOT / "tests").rglob(file)
        assert f"def {name}" in module.read_text(), f"{file}::{name}"


def test_the_page_for_operators_names_every_event_and_every_metric() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    sources = inspect.getsource(metrics) + inspect.getsource(figures)
    metric_names = set(re.findall(r'"(portfolio_\w+)"', sources))
    assert len(metric_names) > 30
    assert {name for name in {*events_logged(), *metric_names} if f"`{name}" not in text} == set()


def test_the_readme_and_the_decision_records_are_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 250
    for record in (ROOT / "docs" / "adr").glob("*.md"):
        assert len(record.read_text().splitlines()) <= 60, record.name


def test_the_decision_records_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(record.name[:4]) for record in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_page_for_operators_explains_each_alert() -> None:
    alerts = re.findall(r"alert: (\w+)", (ROOT / "deploy" / "prometheus" / "alerts.yml").read_text())
    explained = re.findall(r"`(Portfolio[A-Z]\w+)`", (ROOT / "docs" / "operations.md").read_text())
    assert sorted(explained) == sorted(alerts)


def test_the_page_on_upgrades_says_on_which_schema_revisions_this_version_runs_on() -> None:
    assert f"| {__version__} | {', '.join(sorted(RUNS_ON))} |" in (ROOT / "docs" / "upgrade.md").read_text()
