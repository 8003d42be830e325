"""The plugin that tells the framework's OpenAPI document what msgspec decodes and encodes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition


class StructSchemas(OpenAPISchemaPlugin):
    """Schemas of bodies and answers as msgspec tells them, which decodes and encodes them."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Return whether it is a struct."""
        return not field_definition.is_union and field_definition.is_subclass_of(msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Schema:
        """Return the schema of a struct, kept among the components."""
        kind = field_definition.annotation
        schema = schema_creator.schema_registry.get_schema_for_field_definition(field_definition)
        _, components = msgspec.json.schema_components([kind], ref_template="{name}")
        nested = {found.__name__: found for found in _structs_in(msgspec.inspect.type_info(kind))}

        def written(part: Any) -> Any:
            if isinstance(part, list):
                return [written(one) for one in part]
            if not isinstance(part, dict):
                return part
            if "$ref" in part:
                name = part["$ref"]
                if name.startswith("#"):  # said so by the type itself
                    return part
                if name not in nested:  # no struct: written in place
                    return written(components[name])
                schema_creator.for_field_definition(FieldDefinition.from_annotation(nested[name]))
                return {"$ref": f"#/components/schemas/{name}"}
            return {name: written(one) for name, one in part.items()}

        aliases = schema.field_aliases()
        for name, value in written(components[kind.__name__]).items():
            setattr(schema, aliases.get(name, name), value)
        return schema


def _structs_in(part: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield every struct that a type is made of."""
    if isinstance(part, msgspec.inspect.StructType):
        yield part.cls
    if isinstance(part, msgspec.Struct):
        for name in part.__struct_fields__:
            yield from _structs_in(getattr(part, name))
    elif isinstance(part, tuple):
        for one in part:
            yield from _structs_in(one)
