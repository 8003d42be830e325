"""Whatever Schemathesis makes of the OpenAPI document, the service answers as that document says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from tests.support.services.http_server import serving
from tests.support.services.http_service import AT_ONCE, running_on_sqlite


def no_internal_error(_ctx: object, response: schemathesis.Response, _case: Any) -> None:
    """503 is an answer that the contract has; 500 is none."""
    assert response.status_code != 500, response.text


CHECKS = [
    no_internal_error,
    negative_data_rejection,
    missing_required_header,
    unsupported_method,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def service_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("schemathesis")
    with serving(lambda: running_on_sqlite(folder, pace=AT_ONCE, rate_limit_per_minute=1_000_000)) as url:
        yield url


@pytest.fixture(scope="module")
def api_schema(service_url: str) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{service_url}/openapi.json")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["valid", "invalid"])
def test_every_answer_is_one_that_the_document_promises(
    api_schema: schemathesis.BaseSchema, mode: GenerationMode
) -> None:
    found: list[Any] = list(api_schema.get_all_operations())
    operations = [operation.ok() for operation in found]
    assert len(operations) >= 15
    for operation in operations:
        strategy = operation.as_strategy(generation_mode=mode)

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy)
        def answers_as_promised(case: Any) -> None:
            case.call_and_validate(checks=CHECKS)

        try:
            answers_as_promised()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE  # nothing of it can be wrong: it takes nothing
