"""The documents say what is there: links lead somewhere, and what is listed is listed whole."""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from portfolio import __version__
from portfolio.adapters.database.schema.revision import RUNS_ON
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.http import errors
from portfolio.entrypoints.http.errors import BOOKING_PROBLEMS, PROBLEMS, ProblemKind
from portfolio.entrypoints.http.operations import figures
from portfolio.entrypoints.http.shell import metrics

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "portfolio"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LEVELS = {"debug", "info", "warning", "error", "exception"}
EVENT = re.compile(r"[a-z]+(\.[a-z_]+)+")
OF_ANY_REQUEST = (
    errors.MALFORMED, errors.UNAUTHORIZED, errors.FORBIDDEN, errors.FOREIGN_ORIGIN, errors.CROSS_ORIGIN,
    errors.REQUEST_TIMEOUT, errors.TOO_LARGE, errors.UNSUPPORTED_MEDIA_TYPE, errors.RATE_LIMITED, errors.INTERNAL,
    errors.DEADLINE,
)  # fmt: skip
"""What a booking may be answered with beside what it declares."""


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
        r"`((?:[\w/]+/)?test_\w+\.py)?(?:::(test_\w+))?`", (ROOT / "docs" / "reliability.md").read_text()
    )
    assert len(found) >= 33
    file = ""
    for given, name in found:
        file = given or file
        [module] = [one for one in ROOT.glob("tests/**/test_*.py") if one.as_posix().endswith(f"/{file}")]
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


def _answers_of_bookings() -> list[tuple[str, str]]:
    """The rows of the README's table of answers that are not clear: the first cell, and what it means."""
    _, _, after = (ROOT / "README.md").read_text().partition("When a booking gets no clear answer:\n\n")
    rows = after.partition("\n\n")[0].splitlines()[2:]
    cells = [re.split(r"(?<!\\)\|", row)[1:3] for row in rows]
    return [(answer.strip(), meaning.strip()) for answer, meaning in cells]


def _named_in(answer: str) -> tuple[set[int], dict[str, int]]:
    """The statuses of a cell without any slug after them, and by slug the status that it stands after."""
    bare, named, status = set[int](), dict[str, int](), 0
    for number, slug in re.findall(r"\b(\d{3})\b|`([a-z-]+)`", answer):
        if number:
            status = int(number)
            bare.add(status)
        elif status:  # else it is a word of an answer
            named[slug] = status
            bare.discard(status)
    return bare, named


def test_the_readme_says_of_each_answer_to_a_booking_the_status_and_the_problem_that_the_service_has() -> None:
    kinds = {one.slug: one for one in (*vars(errors).values(), *PROBLEMS.values()) if isinstance(one, ProblemKind)}
    rows = [_named_in(answer) for answer, _ in _answers_of_bookings()]
    named = {slug: status for _, slugs in rows for slug, status in slugs.items()}
    assert named
    for slug, status in named.items():
        assert slug in kinds, f"the README names {slug}, which no answer has"
        assert (slug, status) == (slug, kinds[slug].status)
    # Whatever a booking may be answered with is there: by its name, or with all others of its status.
    bare = {status for statuses, _ in rows for status in statuses}
    of_bookings = {*BOOKING_PROBLEMS, *OF_ANY_REQUEST}
    assert not [one for one in of_bookings if one.slug not in named and one.status not in bare]
    assert {one.slug for one in of_bookings if one.status == 503} <= set(named)  # what to do is not the same for all


def test_the_readme_says_which_answers_to_a_booking_are_kept() -> None:
    kept, lost = (
        {named for answer, meaning in _answers_of_bookings() if said in meaning for named in _named_in(answer)[of]}
        for said, of in (("refused, and kept", 0), ("nothing is kept", 1))
    )
    refusals = {kind for error, kind in PROBLEMS.items() if issubclass(error, DomainError) and kind in BOOKING_PROBLEMS}
    assert kept == {one.status for one in refusals}
    others = {*BOOKING_PROBLEMS, *OF_ANY_REQUEST} - refusals
    assert lost == {one.slug for one in others if one.status in kept}
