"""Bodies as typed arguments of handlers, decoded strictly.

The framework's own decoding reads decimals as floats, keeps the last of a field given twice, and takes a text for a
number: a seam of its own, the data transfer object, has the body's bytes instead.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from litestar.dto import AbstractDTO
from litestar.dto.data_structures import DTOFieldDefinition
from litestar.openapi.spec import Reference, Schema
from litestar.typing import FieldDefinition
from msgspec import Struct

from portfolio.entrypoints.http.shell.bodies import decode


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
