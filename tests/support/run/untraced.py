"""What a thread does meanwhile is not measured for coverage, which takes two to three times as long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def untraced() -> Iterator[None]:
    """Take the tracer away from this thread. Others keep theirs: some outlive a test, and what they do for later ones
    has to be measured.
    """
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)
