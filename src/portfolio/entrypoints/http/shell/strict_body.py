"""Bodies as typed arguments of handlers, decoded strictly.

The framework's own decoding reads decimals as floats, keeps the last of a field given twice, and takes a text for a
number: a seam of its own, the data transfer object, has the body's bytes instead.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Hashable, Iterator
from functools import lru_cache
from itertools import islice
from json import JSONDecoder
from typing import Any, ClassVar, TypeVar, cast, get_args

import msgspec
from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Raw, Struct, inspect
from msgspec.json import encode

from portfolio.entrypoints.http.errors import MALFORMED, FieldError, RequestError
from portfolio.entrypoints.http.shell.bodies import choices, in_words
from portfolio.entrypoints.http.shell.broken_json import mended, told_apart
from portfolio.entrypoints.http.shell.numbers import whole_number

T = TypeVar("T")

Pairs = list[tuple[str, Any]]

_LONGEST_ECHO = 200
# A body that is no list is no larger, and what is mended keeps others waiting.
_LARGEST_MENDED = 64 * 1024
# A blank text is as good as none. Raw control characters are no JSON, so a blank one has spaces and escapes alone.
_BLANK = re.compile(rb'"(?: |\\[tnrf])*"')
# What programs send for nothing.
_NOTHING = frozenset({b"", b"{}", b"[]", b"null", b'""'})
# A booking has less fields than that; what more there is in a body is looked through.
_MOST_NESTED = 20


class StrictBody(AbstractDTO[Struct]):
    """Decodes the body of a request as the type of the handler's ``data``."""

    _types: ClassVar[dict[str, type[Struct]]] = {}

    @classmethod
    def create_for_field_definition(
        cls, field_definition: FieldDefinition, handler_id: str, backend_cls: Any = None
    ) -> None:
        """Remember what the handler takes."""
        cls._types[handler_id] = cls._type_of(field_definition)

    @classmethod
    def create_openapi_schema(
        cls, field_definition: FieldDefinition, handler_id: str, schema_creator: Any
    ) -> Reference | Schema:
        """Return the schema of what the handler takes."""
        found: Reference | Schema = schema_creator.for_field_definition(
            FieldDefinition.from_annotation(cls._type_of(field_definition))
        )
        return found

    @classmethod
    def generate_field_definitions(cls, model_type: type[Any]) -> Generator[DTOFieldDefinition, None, None]:
        """Yield nothing: no other model is made of the type."""
        yield from ()

    @classmethod
    def detect_nested_field(cls, field_definition: FieldDefinition) -> bool:
        """Return False: as above."""
        return False

    def decode_bytes(self, value: bytes) -> Struct:
        """Return the body.

        Raises:
            RequestError: no JSON, nested without end, a repeated or unknown field, or one of a wrong type.
        """
        return decode(value, self._types[self.asgi_connection.route_handler.handler_id])

    @staticmethod
    def _type_of(field_definition: FieldDefinition) -> type[Struct]:
        kinds = [field_definition.annotation, *(inner.annotation for inner in field_definition.inner_types)]
        return next(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Struct))


class BodyOfBodies(Struct):
    """A body whose parts are bodies, each of which is decoded by itself."""


class RepeatedKey(ValueError):
    """An object names the same key twice: which of the two is meant cannot be told."""


def decode(body: bytes, wanted: type[T]) -> T:
    """Return the JSON in ``body`` as ``wanted``. Optional fields that are null, empty or blank are not given.

    Raises:
        RequestError: the body cannot be read as one; the text is for the caller.
    """
    try:
        try:
            return _decoded(body, wanted)
        except (msgspec.ValidationError, RepeatedKey):
            raise
        except (msgspec.DecodeError, ValueError, RecursionError):
            if issubclass(wanted, BodyOfBodies):
                return _decoded_in_parts(body, wanted)
            if len(body) > _LARGEST_MENDED:
                raise
            return _decoded(mended(body), wanted)
    except msgspec.ValidationError as error:
        raise _refused(str(error), wanted) from error
    except RepeatedKey as error:
        name = str(error)[:100]
        errors = [FieldError(name, "given twice")]
        raise RequestError(MALFORMED, f"the field {name!r} is given twice", errors=errors) from error
    except RecursionError as error:
        raise RequestError(MALFORMED, "the body is nested too deeply") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise RequestError(MALFORMED, "the body is not valid JSON in UTF-8") from error


def refuse_body(body: bytes) -> None:
    """Refuse a body that says something, where nothing can be said, by raising RequestError."""
    if b"".join(body.split()) not in _NOTHING:
        raise RequestError(MALFORMED, "this takes no body: send none, or {}")


def _decoded(body: bytes, wanted: type[T]) -> T:
    # Few bodies have anything empty in them, and the others need not be taken apart.
    is_full = not any(start in body for start in (b"null", b'""', b'" ', b'"\\'))
    given = body if is_full else _given(Raw(body), _type_info(cast("Hashable", wanted)))
    try:
        decoded: T = _decoder(cast("Hashable", wanted)).decode(given)
    except msgspec.ValidationError as error:
        if "got `float`" not in str(error):
            raise
        decoded = _decoder(cast("Hashable", wanted)).decode(_given(Raw(given), _type_info(cast("Hashable", wanted))))
    # Read once more for keys that msgspec drops silently.
    if issubclass(wanted, BodyOfBodies):
        _unique([(name, None) for name in _NAMES.decode(body.decode("utf-8"))])
    else:
        if b"[" in body or body.count(b"{") > 1:
            for nested in islice(_nested_values(decoded), _MOST_NESTED):
                body = body.replace(nested, b"0", 1)
        _KEYS.decode(body.decode("utf-8"))
    return decoded


@lru_cache(maxsize=32)
def _decoder(wanted: Hashable) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(wanted)


@lru_cache(maxsize=32)
def _type_info(wanted: Hashable) -> inspect.Type:
    return inspect.type_info(wanted)


def _decoded_in_parts(body: bytes, wanted: type[T]) -> T:
    """Return a body of bodies some of which are no JSON: each stays as it was sent, and is decoded by itself.

    Raises:
        ValueError: where one ends and the next begins cannot be told.
    """
    [name] = [field for field in msgspec.structs.fields(cast("type[Struct]", wanted)) if _has_raw(field.type)]
    head, _, rest = body.decode("utf-8", "surrogateescape").partition("[")
    items, _, tail = rest.rpartition("]")
    parts = [Raw(part.encode("utf-8", "surrogateescape")) for part in told_apart(items)]
    # What stands around the list is read as ever, with as many zeros in it as it has items.
    frame = f"{head}[{','.join('0' * len(parts))}]{tail}"
    decoded: T = _decoded(frame.encode("utf-8", "surrogateescape"), wanted)
    setattr(decoded, name.name, parts)
    return decoded


def _given(part: Raw, kind: inspect.Type) -> Raw:
    """Return the JSON of a ``kind`` without the optional fields that are null or empty, and with whole numbers written
    as such. A table whose names the client chooses stays as it is: none of them is passed over.

    What has another shape stays as it is: the decoder says so, and where.
    """
    try:
        match kind:
            case inspect.StructType(fields=fields):
                members, known = _members(part), {field.name: field for field in fields}
                empty = {n for n, value in members.items() if n in known and not known[n].required and _is_empty(value)}
                kept = {n: value for n, value in members.items() if n not in empty}
                return Raw(encode({n: _given(v, known[n].type) if n in known else v for n, v in kept.items()}))
            case inspect.ListType(item_type=item):
                return Raw(encode([_given(one, item) for one in msgspec.json.decode(part, type=list[Raw])]))
            case inspect.UnionType(types=kinds) if not any(isinstance(one, inspect.StrType) for one in kinds):
                # A name may be a whole number; two fractions that are read as one number would be one name.
                for one in kinds:
                    part = _given(part, one)
            case inspect.IntType() if (whole := whole_number(part)) is not None:
                return Raw(str(whole).encode())
            case inspect.Metadata(type=inner):
                return _given(part, inner)
    except msgspec.ValidationError:
        pass
    return part


def _members(part: Raw) -> dict[str, Raw]:
    return msgspec.json.decode(part, type=dict[str, Raw])


def _is_empty(value: Raw) -> bool:
    return bytes(value) == b"null" or _BLANK.fullmatch(value) is not None


def _nested_values(part: object) -> Iterator[bytes]:
    """Yield the lists and objects where a figure or a remark belongs: a million values in one would keep the second
    pass busy, and are nobody's keys.
    """
    if isinstance(part, Raw):
        if memoryview(part)[0] in b"[{":
            yield bytes(part)
    elif isinstance(part, Struct):
        for name in _parts(type(part)):
            yield from _nested_values(getattr(part, name))
    elif isinstance(part, list | dict):
        for one in part.values() if isinstance(part, dict) else part:
            yield from _nested_values(one)


@lru_cache(maxsize=32)
def _parts(kind: type[Struct]) -> tuple[str, ...]:
    """Return the fields that are not decoded, or have such fields."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if _has_raw(field.type))


def _has_raw(kind: Any) -> bool:
    is_struct = isinstance(kind, type) and issubclass(kind, Struct)
    return kind is Raw or is_struct or any(_has_raw(part) for part in get_args(kind))


def _names(pairs: Pairs) -> list[str]:
    return [name for name, _ in pairs]


def _unique(pairs: Pairs) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise RepeatedKey(name)
            seen.add(name)


# Numbers stay text, so they cost nothing.
_NAMES, _KEYS = (JSONDecoder(object_pairs_hook=read, parse_int=str, parse_float=str) for read in (_names, _unique))


def _refused(message: str, wanted: type) -> RequestError:
    """Return the refusal that msgspec's words mean: ``Expected `str`, got `int` - at `$.symbol```."""
    said, _, where = message.partition(" - at `")
    field = where.rstrip("`").removeprefix("$").lstrip(".")
    text = in_words(said, choices(_type_info(wanted), re.findall("[a-z_]+", field)))
    if said.startswith("Object "):  # one of its fields is missing, or is not known
        field = f"{field}.{said.partition('field `')[2].rstrip('`')}".lstrip(".")
    message = f"{field}: {text}" if field else f"this {text}"
    # The name of an unknown field is as long as the client likes.
    message, text, field = (_shortened(part) for part in (message, text, field))
    return RequestError(MALFORMED, message, errors=[FieldError(field, text)] if field else [])


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_ECHO else text[:_LONGEST_ECHO] + "..."
