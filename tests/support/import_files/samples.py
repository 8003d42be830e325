"""All samples."""

from __future__ import annotations

from typing import Final

from tests.support.import_files.coinbase import COINBASE
from tests.support.import_files.exchanges import BINANCE, KRAKEN
from tests.support.import_files.programs import PROGRAMS
from tests.support.import_files.sample import Sample

SAMPLES: Final[tuple[Sample, ...]] = (*COINBASE, *BINANCE, *KRAKEN, *PROGRAMS)
