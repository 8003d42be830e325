"""What no route knows is refused, wherever it stands in a body and whatever its value is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.services.http_service import BUY, Service, is_problem

UNKNOWN = "not_known_anywhere"
BACKTEST = {"from": "2024-01-01", "to": "2024-02-01"}
"""What is needed of a backtest: the names of its tables are the client's, and are looked at after the rest."""
# Each part is a body that is decoded by itself.
IN_PARTS = {"/holdings/update/batch", "/events/batch"}


def resolved(schema: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema as it stands where it is kept."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def objects(schema: Mapping[str, Any], document: Mapping[str, Any], value: Any) -> Iterator[Any]:
    """Every value that has an object at one place of a schema, and an unknown name there; ``value`` fills the name."""
    schema = resolved(schema, document)
    for one in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from objects(one, document, value)
    if "properties" in schema:
        yield {UNKNOWN: value}
        for name, inner in schema["properties"].items():
            yield from ({name: found} for found in objects(inner, document, value))
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield {UNKNOWN: value}
        yield from ({UNKNOWN: found} for found in objects(schema["additionalProperties"], document, value))
    if "items" in schema:
        yield from ([found] for found in objects(schema["items"], document, value))


@pytest.mark.parametrize("value", [None, "", " ", 1, {}, []], ids=repr)
async def test_an_unknown_field_is_refused_by_name_at_every_place_of_every_body(
    service: Service, value: object
) -> None:
    await service.http.post("/holdings/update", json=BUY)
    document = (await service.http.get("/openapi.json")).json()
    tried, passed = 0, []
    for path, route in document["paths"].items():
        content = route.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        for wrong in objects(content["schema"], document, value) if content else ():
            more = BACKTEST if path == "/backtests" else {}
            answer = await service.http.post(path.replace("{", "").replace("}", ""), json={**more, **wrong})
            body = answer.json()
            told = body.get("results", [{}])[0].get("problem", body) if path in IN_PARTS else body
            tried += 1
            is_named = any(UNKNOWN in one["field"] for one in told.get("errors", ()))
            if told["status"] != 400 or not (is_named or "grid" in str(wrong)):
                passed.append((path, wrong, told))
    assert not passed
    assert tried > 25, "the document does not say what bodies are made of"


@pytest.mark.parametrize("value", [None, "", "  ", 1])
@pytest.mark.parametrize(
    ("path", "body", "table"),
    [
        ("/rebalance/what-if", {"policy": {"confidences": {"high_volatility": 0.5}}}, "confidences"),
        ("/rebalance/what-if", {"policy": {"priorities": {"high_volatility": "low"}}}, "priorities"),
        ("/backtests", {**BACKTEST, "start": "weights", "weights": {"BTC": 1}}, "weights"),
        ("/backtests", {**BACKTEST, "sweep": {"grid": {"dust_value": [1]}}}, "grid"),
    ],
    ids=["confidences", "priorities", "weights", "grid"],
)
async def test_an_unknown_name_beside_those_that_a_table_knows_is_refused(
    service: Service, path: str, body: dict[str, Any], table: str, value: object
) -> None:
    assert (await service.http.post(path, json=body)).status_code in {200, 202, 422}
    wrong = json.loads(json.dumps(body).replace(f'"{table}": {{', f'"{table}": {{"{UNKNOWN}": {json.dumps(value)}, '))
    assert is_problem(await service.http.post(path, json=wrong), 400, "malformed-request")
