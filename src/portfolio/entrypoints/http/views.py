"""Records as answers: a field of an answer is the attribute of its name, written as the field's type says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Raw, Struct, inspect

from portfolio.application.risk.measured import Measured

S = TypeVar("S", bound=Struct)
Write: TypeAlias = Callable[[Any], Any]

REASONS: Final = "reasons"


def view(kind: type[S], *records: object, **given: object) -> S:
    """Return an answer of ``kind``: each field is what is ``given`` for it, else the attribute of that name of the
    first record that has one.

    Numbers are rounded and written as the type of their field says; structs, alone or in lists, are made in the same
    way of the records in their place. Why a ``Measured`` figure has no value is added to the answer's ``reasons``.

    Raises:
        LookupError: nothing has such an attribute.
    """
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name, place, write in _plan(kind, tuple(map(type, records)), frozenset(given)):
        value = given[name] if place is None else getattr(records[place], name)
        if type(value) is Measured:
            if value.reason is not None:
                reasons[name] = value.reason
            value = value.value
        values[name] = value if write is None or value is None or type(value) is Raw else write(value)
    if REASONS in kind.__struct_fields__:
        values[REASONS] = {**values.get(REASONS, {}), **reasons}
    return kind(**values)


@cache
def _plan(
    kind: type[Struct], records: tuple[type, ...], given: frozenset[str]
) -> list[tuple[str, int | None, Write | None]]:
    """Return for each field the place of the record that has it, None where it is given, and what writes it."""
    plan: list[tuple[str, int | None, Write | None]] = []
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined] # a struct's
        places = (place for place, record in enumerate(records) if _has(record, field.name))
        place = None if field.name in given else next(places, -1)
        if place != -1:
            plan.append((field.name, place, _writer(field.type)))
        elif field.required and field.name != REASONS:
            raise LookupError(f"nothing has {field.name!r} of {kind.__name__}")
    return plan


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
        case inspect.StrType():
            return str
    return None


def _struct(kind: type[S], value: object) -> S:
    return value if isinstance(value, kind) else view(kind, value)


def _list(write: Write | None, values: Iterable[Any]) -> list[Any]:
    return list(values) if write is None else [write(value) for value in values]


def _map(write: Write | None, values: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(name): value if write is None else write(value) for name, value in values.items()}
