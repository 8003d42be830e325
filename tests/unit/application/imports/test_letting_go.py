"""Large lists are emptied some at a time."""

from __future__ import annotations

import pytest

from portfolio.application.imports.letting_go import let_go


@pytest.mark.parametrize("count", [0, 1, 500, 501, 1_234])
def test_lists_are_empty_afterwards(count: int) -> None:
    one, other = list(range(count)), [object()]
    let_go(one, other)
    assert (one, other) == ([], [])
