"""Which problem (RFC 9457) each error is answered with: status, type and title, in one table.

Every error of the domain and of the application is a row of ``PROBLEMS``; what only HTTP knows is raised as a
:class:`RequestError` of one of the kinds below. Whatever reads a part of a request may raise one, which names each
field that is wrong; a docstring says so where it has more to say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from portfolio.application import errors as application
from portfolio.domain import errors as domain


class ProblemKind(Struct, frozen=True):
    """A kind of problem: its status, the last part of its type, and its title."""

    status: int
    slug: str
    title: str

    @property
    def type(self) -> str:
        """Return the reference that names this kind, for good."""
        return f"/problems/{self.slug}"


MALFORMED = ProblemKind(400, "malformed-request", "The request cannot be read")
UNAUTHORIZED = ProblemKind(401, "unauthorized", "A valid API key is needed")
FORBIDDEN = ProblemKind(403, "forbidden", "This caller may not do that")
FOREIGN_ORIGIN = ProblemKind(403, "foreign-origin", "Without API keys, only this machine's own programs are served")
CROSS_ORIGIN = ProblemKind(403, "cross-origin", "A signed-in browser is served on this service's own pages only")
PRIVATE_MODE = ProblemKind(403, "private-mode", "Amounts are not sent in privacy mode")
NOT_FOUND = ProblemKind(404, "not-found", "There is nothing under that name")
METHOD_NOT_ALLOWED = ProblemKind(405, "method-not-allowed", "This route does not take that method")
REQUEST_TIMEOUT = ProblemKind(408, "request-timeout", "The body did not arrive in time")
TOO_LARGE = ProblemKind(413, "body-too-large", "The body is too large")
UNSUPPORTED_MEDIA_TYPE = ProblemKind(415, "unsupported-media-type", "Bodies are application/json")
UPGRADE_REQUIRED = ProblemKind(426, "upgrade-required", "This is a WebSocket")
HEAD_TOO_LARGE = ProblemKind(431, "head-too-large", "The address and the headers are too long")
NOT_BACKTESTABLE = ProblemKind(422, "not-backtestable", "This backtest cannot be computed")
RATE_LIMITED = ProblemKind(429, "rate-limited", "Too many requests")
INTERNAL = ProblemKind(500, "internal-error", "The service failed; the log says how")
DEADLINE = ProblemKind(503, "deadline-exceeded", "There was no answer in time")
NOT_READY = ProblemKind(503, "not-ready", "No booking could be committed now")
LEDGER_UNAVAILABLE = ProblemKind(503, "ledger-unavailable", "The database is away or busy; nothing was applied")
OUTCOME_UNKNOWN = ProblemKind(503, "outcome-unknown", "It may or may not have been booked")

PROBLEMS: Mapping[type[Exception], ProblemKind] = {
    domain.InvalidAmount: ProblemKind(400, "invalid-amount", "A number is no amount"),
    domain.OutOfRange: ProblemKind(400, "out-of-range", "An amount is too large for the ledger"),
    domain.InvalidSymbol: ProblemKind(400, "invalid-symbol", "Not a symbol that can be held"),
    domain.FeesTooHigh: ProblemKind(400, "fees-too-high", "The fees do not fit the money for the asset"),
    domain.AmountMismatch: ProblemKind(400, "amount-mismatch", "The money does not fit quantity x price"),
    domain.InsufficientQuantity: ProblemKind(409, "insufficient-quantity", "More sold than is held"),
    domain.InsufficientCash: ProblemKind(409, "insufficient-cash", "More spent than there is"),
    domain.NotReversible: ProblemKind(409, "not-reversible", "This cannot be undone"),
    domain.NotPickable: ProblemKind(422, "not-pickable", "The sale could not have taken these lots"),
    domain.ValueUnknown: ProblemKind(400, "value-unknown", "What it is worth is neither stated nor known"),
    domain.InvalidPolicy: ProblemKind(400, "invalid-policy", "A setting of the policy is not allowed"),
    application.LedgerUnavailable: LEDGER_UNAVAILABLE,
    application.LedgerRefused: LEDGER_UNAVAILABLE,
    application.MessageTooLarge: TOO_LARGE,
    application.Overloaded: ProblemKind(503, "overloaded", "Too many bookings are waiting; nothing was applied"),
    application.BooksContradicted: ProblemKind(
        503, "books-contradicted", "The portfolio's row is not what the ledger's entries say"
    ),
    application.LeaseLost: ProblemKind(503, "lease-lost", "Another instance refreshes now"),
    application.EntriesUnread: ProblemKind(503, "entries-unread", "The ledger's entries are still being read"),
    application.OutcomeUnknown: OUTCOME_UNKNOWN,
    application.PortfolioMissing: ProblemKind(503, "books-not-open", "The books are not open yet"),
    application.SchemaUnknown: ProblemKind(503, "schema-unknown", "The database has a schema of another version"),
    application.KeyReused: ProblemKind(422, "key-reused", "This key belongs to another request"),
    application.OwnerAmbiguous: ProblemKind(422, "owner-ambiguous", "Several owners have a booking under this key"),
    application.BooksMoved: ProblemKind(409, "books-moved", "The books are not those that were looked at"),
    application.NotFound: NOT_FOUND,
    application.SignalClaimed: ProblemKind(409, "signal-claimed", "This signal has been acknowledged before"),
    application.SignalOutdated: ProblemKind(409, "signal-outdated", "This signal is no longer to be carried out"),
    application.PricesUnavailable: ProblemKind(503, "prices-unavailable", "No price could be refreshed"),
    application.ConfigurationInvalid: ProblemKind(500, "configuration-invalid", "A file of the settings is wrong"),
    application.PositionUnknown: ProblemKind(409, "position-unknown", "These books do not have that position"),
    application.TooManyStreams: ProblemKind(429, "too-many-streams", "Too many streams are open"),
    application.NotBacktestable: NOT_BACKTESTABLE,
    application.BacktestOutOfRange: NOT_BACKTESTABLE,
    application.BacktestNotDone: ProblemKind(409, "backtest-not-done", "The backtest is not done"),
    application.TooManyBacktests: ProblemKind(429, "too-many-backtests", "Too many backtests are waiting"),
    application.ClosesPending: ProblemKind(503, "closes-pending", "Closes are being fetched; ask again"),
    application.NotOptimisable: ProblemKind(422, "not-optimisable", "No weights meet what was asked"),
    application.TooFewDays: ProblemKind(422, "too-few-days", "The assets have too few days in common"),
    application.TurnoverBoundTooLow: ProblemKind(
        422, "turnover-too-low", "So little turnover does not meet the limits"
    ),
    application.NotInstalled: ProblemKind(501, "not-installed", "An optional part is not installed here"),
    application.ComputationFailed: ProblemKind(503, "computation-failed", "The computation ended without a result"),
    application.ComputationLate: ProblemKind(503, "computation-late", "The computation took too long"),
    application.FeedFailed: ProblemKind(503, "feed-failed", "A price source did not answer"),
}


def kinds_of(*errors: type[Exception]) -> tuple[ProblemKind, ...]:
    """Return the kinds of problems that errors of these classes are."""
    return tuple(PROBLEMS[error] for error in errors)


WRITE_PROBLEMS = (
    *kinds_of(
        application.PortfolioMissing, application.LedgerUnavailable, application.BooksContradicted,
        application.SchemaUnknown,
    ),
    OUTCOME_UNKNOWN,
)  # fmt: skip
BOOKING_PROBLEMS = (
    *kinds_of(
        domain.InvalidAmount, domain.OutOfRange, domain.FeesTooHigh, domain.AmountMismatch, domain.ValueUnknown,
        domain.InsufficientQuantity, domain.InsufficientCash, application.KeyReused, application.OwnerAmbiguous,
        application.Overloaded,
    ),
    *WRITE_PROBLEMS,
)  # fmt: skip

_BY_STATUS = {
    400: MALFORMED, 401: UNAUTHORIZED, 403: FORBIDDEN, 404: NOT_FOUND, 405: METHOD_NOT_ALLOWED, 413: TOO_LARGE,
    415: UNSUPPORTED_MEDIA_TYPE, 429: RATE_LIMITED,
}  # fmt: skip
_BY_NAME = {error.__name__: kind for error, kind in PROBLEMS.items()}


class FieldError(Struct, frozen=True):
    """What is wrong with one field of the request."""

    field: str
    message: str


class RequestError(Exception):
    """A request that HTTP itself has to refuse; ``str()`` is one sentence for the caller."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.errors = tuple(errors)
        self.headers = dict(headers or {})


def kind_of(error: BaseException) -> ProblemKind:
    """Return the kind of problem that ``error`` is; ``INTERNAL`` for whatever nobody foresaw."""
    if isinstance(error, RequestError):
        return error.kind
    return next((PROBLEMS[cls] for cls in type(error).__mro__ if cls in PROBLEMS), INTERNAL)


def kind_named(error_name: str) -> ProblemKind:
    """Return the kind of problem of the error class of that name, as refusals are kept."""
    return _BY_NAME.get(error_name, INTERNAL)


def kind_of_status(status: int) -> ProblemKind:
    """Return the kind of problem that the framework means by a status."""
    return _BY_STATUS.get(status, MALFORMED if 400 <= status < 500 else INTERNAL)


def retry_after(seconds: float) -> dict[str, str]:
    """Return the header that says when to come again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def headers_of(error: Exception, kind: ProblemKind) -> dict[str, str]:
    """Return the headers that belong to the answer: when to come again, how to authenticate."""
    if isinstance(error, RequestError):
        headers = dict(error.headers)
    elif kind.status in {429, 503}:
        headers = retry_after(getattr(error, "retry_after_seconds", 1.0))
    else:
        headers = {}
    if kind is UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="portfolio"'
    return headers


def field_errors(error: Exception) -> tuple[FieldError, ...]:
    """Return what is wrong field by field, where the error knows a field."""
    if isinstance(error, RequestError):
        return error.errors
    if isinstance(error, domain.InvalidSymbol):
        return (FieldError("symbol", error.hint),)
    if isinstance(error, application.OwnerAmbiguous):
        return (FieldError("owner", "has to say whose booking is meant"),)
    if isinstance(error, domain.FeesTooHigh):
        return (FieldError("fees", str(error)),)
    if isinstance(error, domain.InvalidAmount) and error.field:
        return (FieldError(error.field, error.reason),)
    if isinstance(error, domain.ValueUnknown):
        return (FieldError(error.field, "has to say what it is worth"),)
    if isinstance(error, domain.InvalidPolicy):
        return (FieldError(f"policy.{error.field}"[:200], error.reason),)
    return ()
