"""Makes answers of records: a field takes the attribute of its name, written as the field's type says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from msgspec import Struct, inspect

from portfolio.application.risk.measured import Measured

S = TypeVar("S", bound=Struct)
Read: TypeAlias = Callable[[Any], tuple[Any, ...]]
Write: TypeAlias = Callable[[Any], Any]

REASONS: Final = "reasons"


def view(kind: type[S], /, *records: object, **given: object) -> S:
    """Return an answer of ``kind``: each field is what is ``given`` for it, else the attribute of that name of the
    first record that has one.

    Numbers are rounded and written as the type of their field says; structs, alone or in lists, are made in the same
    way of the records in their place. Why a ``Measured`` figure has no value is added to the answer's ``reasons``.
    What a record has that is an answer itself is taken as it is; frozen structs are records as others.

    Raises:
        LookupError: nothing has such an attribute.
    """
    plan = _plan(kind, tuple(map(type, records)), tuple(given))
    values: dict[str, Any] = given
    for place, names, read in plan.reads:
        values.update(zip(names, read(records[place]), strict=False))
    reasons: dict[str, str] = {}
    for name, write in plan.writes:
        value = values[name]
        if type(value) is Measured:
            if value.reason is not None:
                reasons[name] = value.reason
            value = values[name] = value.value
        if value is not None:
            values[name] = write(value)
    if plan.has_reasons:
        values[REASONS] = {**values.get(REASONS, {}), **reasons}
    return kind(**values)


class _Plan(NamedTuple):
    """Which attributes are read of the record in which place, and which fields have to be written."""

    reads: list[tuple[int, list[str], Read]]
    writes: list[tuple[str, Write]]
    has_reasons: bool


@cache
def _plan(kind: type[Struct], records: tuple[type, ...], given: tuple[str, ...]) -> _Plan:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.name: field for field in info.fields}
    left = [name for name in fields if name not in given]
    reads, written = [], list(given)
    for place, record in enumerate(records):
        had = [name for name in left if _has(record, name)]
        left = [name for name in left if name not in had]
        if had:
            reads.append((place, had, _reader(had)))
        written += [] if _is_answer(record) else had
    missing = [name for name in left if fields[name].required and name != REASONS]
    if missing:
        raise LookupError(f"nothing has {missing} of {kind.__name__}")
    writers = {name: _writer(fields[name].type) for name in written if name != REASONS}
    writes = [(name, write) for name, write in writers.items() if write is not None]
    return _Plan(reads, writes, REASONS in fields)


def _reader(names: Sequence[str]) -> Read:
    read = attrgetter(*names)
    return read if len(names) > 1 else lambda record: (read(record),)


def _is_answer(record: type) -> bool:
    return issubclass(record, Struct) and not record.__struct_config__.frozen


def _has(record: type, name: str) -> bool:
    return name in dir(record) or name in getattr(record, "__dataclass_fields__", ())


def _writer(kind: inspect.Type) -> Write | None:
    """Return what writes values of a type; None where they are written as they are."""
    match kind:
        case inspect.Metadata(extra={"write": write}):
            written: Write = write
            return written
        case inspect.Metadata(type=inner):
            return _writer(inner)
        case inspect.UnionType(types=parts):
            return next((write for part in parts if (write := _writer(part)) is not None), None)
        case inspect.StructType(cls=struct):
            return partial(_struct, struct)
        case inspect.ListType(item_type=inner):
            return partial(_list, _writer(inner))
        case inspect.DictType(value_type=inner):
            return partial(_map, _writer(inner))
    return None


def _struct(kind: type[S], value: object) -> S:
    return value if isinstance(value, kind) else view(kind, value)


def _list(write: Write | None, values: Iterable[Any]) -> list[Any]:
    return list(values) if write is None else [write(value) for value in values]


def _map(write: Write | None, values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value if write is None else write(value) for name, value in values.items()}
