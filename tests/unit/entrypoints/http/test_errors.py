"""The one table of problems."""

import inspect
import pickle
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from portfolio.application.errors import ApplicationError, LedgerUnavailable
from portfolio.domain.errors import DomainError
from portfolio.entrypoints.http import errors
from portfolio.entrypoints.http.errors import (
    INTERNAL,
    PROBLEMS,
    headers_of,
    kind_named,
    kind_of,
    kind_of_status,
)


def subclasses(root: type[Exception]) -> Iterator[type[Exception]]:
    """Return every class below ``root`` that is the service's own."""
    for cls in root.__subclasses__():
        if cls.__module__.startswith("portfolio."):
            yield cls
        yield from subclasses(cls)


ERRORS = pytest.mark.parametrize(
    "error", [*subclasses(DomainError), *subclasses(ApplicationError)], ids=lambda e: e.__name__
)
GIVEN: dict[str, object] = {
    "Decimal": Decimal(2),
    "Sequence[str]": ["a", "b"],
    "Sequence[tuple[str, int]]": [("BTC", 3)],
    "bool": True,
    "datetime": datetime(2026, 11, 30, tzinfo=UTC),
    "dict[str, str]": {"BTC": "no answer"},
    "float": 7.5,
    "int": 3,
    "str": "said",
    "str | None": "said",
}


@ERRORS
def test_every_error_has_its_own_row_in_the_table(error: type[Exception]) -> None:
    if not error.__module__.startswith("portfolio.adapters"):
        assert error in PROBLEMS
    assert kind_named(error.__name__) is not INTERNAL


@ERRORS
def test_every_error_comes_out_of_a_process_that_computes_as_it_was_raised_there(error: type[Exception]) -> None:
    parameters = list(inspect.signature(error.__init__).parameters.values())[1:]
    if inspect.Parameter.VAR_POSITIONAL in {one.kind for one in parameters}:  # of Exception itself
        raised = error("said")
    else:
        given = {one.name: GIVEN[str(one.annotation)] for one in parameters}
        raised = error(**given)
    found = pickle.loads(pickle.dumps(raised))  # noqa: S301  made in the line itself
    assert type(found) is error
    assert (str(found), found.args, found.__dict__) == (str(raised), raised.args, raised.__dict__)


def test_a_slug_means_one_thing() -> None:
    kinds = {*PROBLEMS.values(), *(kind for kind in vars(errors).values() if isinstance(kind, errors.ProblemKind))}
    assert len({kind.slug for kind in kinds}) == len(kinds)


def test_refusals_are_the_clients_and_absences_are_ours() -> None:
    for error, kind in PROBLEMS.items():
        is_clients = issubclass(error, DomainError) or kind.status in {404, 409, 413, 422, 429}
        assert (400 <= kind.status < 500) == is_clients


def test_an_error_of_a_new_class_is_what_its_parent_is() -> None:
    class PoolExhausted(LedgerUnavailable):
        """A new kind of absence."""

    assert kind_of(PoolExhausted("x")).slug == "ledger-unavailable"
    assert kind_of(RuntimeError("x")) is INTERNAL


def test_every_503_says_when_to_come_again() -> None:
    for error, kind in PROBLEMS.items():
        if kind.status == 503:
            made = error.__new__(error)
            made.__dict__.update(retry_after_seconds=1.2)
            assert headers_of(made, kind)["Retry-After"] == "2"


@pytest.mark.parametrize(("status", "expected"), [(418, 400), (404, 404), (502, 500)])
def test_the_frameworks_statuses_become_ours(status: int, expected: int) -> None:
    assert kind_of_status(status).status == expected
