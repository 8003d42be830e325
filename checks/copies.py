"""A plugin of mypy: what ``dataclasses`` copies or asks for its fields is a dataclass. By their types structs are, too.

What a ``msgspec.Struct`` says of itself is in ``msgspec.structs``: ``replace``, ``fields``, ``asdict``.
"""

from __future__ import annotations

from collections.abc import Callable

from mypy.nodes import TypeInfo
from mypy.plugin import FunctionContext, Plugin
from mypy.types import CallableType, Instance, Type, TypeType, TypeVarType, UnionType, get_proper_type

FUNCTIONS = {f"dataclasses.{name}" for name in ("replace", "fields", "asdict", "astuple")}


class Copies(Plugin):
    """Refuses structs where only a dataclass will do."""

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Return what looks at a call of this function, if it is one of those for dataclasses."""
        return _looked_at if fullname in FUNCTIONS else None


def plugin(_version: str) -> type[Plugin]:
    """Return the plugin, as mypy asks for it."""
    return Copies


def _looked_at(call: FunctionContext) -> Type:
    for given in (each for of in call.arg_types[0] for each in _classes(of)):
        if given.has_base("msgspec.Struct"):
            call.api.fail(f'"{given.name}" is a struct, which has its own functions in msgspec.structs', call.context)
    return call.default_return_type


def _classes(of: Type) -> list[TypeInfo]:
    found = get_proper_type(of)
    if isinstance(found, TypeVarType):  # as Self
        return _classes(found.upper_bound)
    if isinstance(found, TypeType):
        return _classes(found.item)
    if isinstance(found, UnionType):
        return [each for item in found.items for each in _classes(item)]
    if isinstance(found, CallableType) and found.is_type_obj():
        return [found.type_object()]
    return [found.type] if isinstance(found, Instance) else []
