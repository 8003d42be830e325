"""The OpenAPI document says what the routes do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from portfolio.entrypoints.exports.files import PARQUET
from portfolio.entrypoints.http.operations.openapi import document, field_descriptions
from portfolio.entrypoints.http.stream import asyncapi
from tests.support.services.http_service import running

pytestmark = pytest.mark.unmeasured


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    async def make() -> dict[str, Any]:
        async with running() as service:
            return document(service.app, keyed=True)

    return asyncio.run(make())


def operations(described: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every operation, by its method and path."""
    return [
        (f"{method} {path}", operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
        if method != "head"
    ]


def descriptions_in(part: Any) -> Iterator[str]:
    """Every description, wherever it stands."""
    for name, value in part.items() if isinstance(part, dict) else enumerate(part):
        if name == "description" and isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from descriptions_in(value)


def fields_in(schema: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of a schema, also of those that are written in place within it."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {}).items()
        schema = list(schema.values())
    for part in schema if isinstance(schema, list) else ():
        yield from fields_in(part)


def examples_of(content: dict[str, Any]) -> list[Any]:
    """The examples of one content."""
    return [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]


def test_every_route_of_the_contract_is_there(described: dict[str, Any]) -> None:
    assert {name for name, _ in operations(described)} == {
        "get /health", "get /health/live", "get /health/ready", "get /metrics", "get /portfolio", "get /positions",
        "post /portfolio/refresh", "get /performance", "post /holdings/update", "post /holdings/update/batch",
        "get /bookings", "get /bookings/{client_trade_id}", "post /cash/transactions", "get /cash/transactions",
        "get /trades", "get /trades/{trade_id}", "post /trades/{trade_id}/reverse", "post /trades/{trade_id}/lots",
        "get /risk/concentration", "get /risk/correlation-matrix",
        "get /risk/volatility-analysis", "get /risk/value-at-risk", "get /risk/sector-allocation",
        "get /risk/portfolio-health", "get /rebalance/analysis", "get /rebalance/recommendations",
        "post /rebalance/what-if", "post /pretrade/check", "post /rebalance/generate-signals", "get /rebalance/signals",
        "post /rebalance/signals/{signal_id}/acknowledge", "get /performance/timeframes", "get /performance/period",
        "get /performance/history", "get /reports/tearsheet", "get /exports/{what}", "post /ledger/restate",
        "post /imports", "get /imports", "get /imports/{import_id}", "post /imports/{preview_id}/commit",
        "post /imports/{import_id}/reverse",
        "get /entries", "post /optimise", "get /signals/scorecard", "get /shadows", "get /lots",
        "get /gains", "get /attribution",
        "post /backtests", "get /backtests", "get /backtests/{backtest_id}",
        "get /backtests/{backtest_id}/equity", "get /backtests/{backtest_id}/trades",
        "get /backtests/{backtest_id}/sweep",
        "delete /backtests/{backtest_id}",
        "post /events", "post /events/batch", "get /events", "get /events/{event_id}",
        "post /events/{event_id}/reverse",
    }  # fmt: skip


@pytest.mark.unmeasured
def test_every_body_and_answer_has_an_example_and_each_is_valid(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        contents = [(str(status), r["content"]) for status, r in operation["responses"].items() if "content" in r]
        if "requestBody" in operation:
            contents.append(("body", operation["requestBody"]["content"]))
        for where, by_type in contents:
            for media_type, content in by_type.items():
                if media_type in {"text/plain", "text/html", "text/csv", PARQUET}:
                    continue
                examples = examples_of(content)
                assert examples, f"{name} {where}"
                schema = {**content["schema"], "components": described["components"]}
                for example in examples:
                    jsonschema_rs.validate(schema, example)


def test_every_route_documents_what_can_go_wrong(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        statuses = set(operation["responses"])
        assert {"400", "403", "500", "503"} <= statuses, name
        assert statuses & {"200", "202"}, name
        if operation.get("security"):
            assert {"401", "403", "429"} <= statuses, name
        if name.startswith("post"):
            assert {"408", "413", "415"} <= statuses, name
        for status in statuses & {"429", "503"}:
            response = operation["responses"][status]
            assert "Retry-After" in response.get("headers", {}) or name == "get /health", name


def test_a_body_that_may_be_left_out_is_said_to_be_optional(described: dict[str, Any]) -> None:
    optional = {
        name for name, operation in operations(described) if not operation.get("requestBody", {}).get("required", True)
    }
    assert optional == {"post /trades/{trade_id}/reverse", "post /imports/{import_id}/reverse", "post /ledger/restate"}


def test_a_key_may_come_in_the_header_where_one_request_is_one_entry(described: dict[str, Any]) -> None:
    named = {
        name
        for name, operation in operations(described)
        if any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
    }
    assert named == {"post /holdings/update", "post /cash/transactions", "post /events"}


def test_head_stands_beside_every_get_without_a_body(described: dict[str, Any]) -> None:
    for path, methods in described["paths"].items():
        assert ("head" in methods) == ("get" in methods), path
        if "head" in methods:
            assert set(methods["head"]["responses"]) == set(methods["get"]["responses"]), path
            assert not [r for r in methods["head"]["responses"].values() if "content" in r], path


def test_every_route_documents_the_methods_that_it_does_not_know(described: dict[str, Any]) -> None:
    for name, operation in operations(described):
        assert "Allow" in operation["responses"]["405"]["headers"], name


def test_every_field_and_every_parameter_is_described(described: dict[str, Any]) -> None:
    for name, schema in described["components"]["schemas"].items():
        assert schema["description"], name
        for field, part in fields_in(schema):
            assert part.get("description"), f"{name}.{field}"
    for name, operation in operations(described):
        assert operation["summary"], name
        assert operation["description"], name
        for parameter in operation.get("parameters", []):
            assert parameter["description"], f"{name} {parameter['name']}"


def test_no_description_is_about_our_code(described: dict[str, Any]) -> None:
    words = re.compile(r"\b(garbage|framework|msgspec|litestar|processor|event loop|ADR)\b", re.IGNORECASE)
    assert not [text for text in descriptions_in(described) if words.search(text)]


def test_every_description_is_of_a_field_there_is(described: dict[str, Any]) -> None:
    documented = {**asyncapi.document()["components"]["schemas"], **described["components"]["schemas"]}
    schemas = {name: schema.get("properties", {}) for name, schema in documented.items()}
    fields = {field for properties in schemas.values() for field in properties}
    for name, said in field_descriptions().items():
        assert name in fields if isinstance(said, str) else said.keys() <= schemas[name].keys(), name


def test_only_the_probes_need_no_key(described: dict[str, Any]) -> None:
    assert {name for name, o in operations(described) if "security" not in o} == {
        "get /health/live",
        "get /health/ready",
    }


def test_an_open_service_asks_for_no_key() -> None:
    async def make() -> dict[str, Any]:
        async with running() as service:
            return document(service.app, keyed=False)

    open_ = asyncio.run(make())
    assert "securitySchemes" not in open_["components"]
    assert not [name for name, operation in operations(open_) if "security" in operation]


def test_the_schemas_are_valid_as_such(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
