"""What a process answers after any history, and any weather of its database, is what a new process answers."""

from __future__ import annotations

import os
import secrets

from tests.fuzz.long_lived import scene_of
from tests.fuzz.mutation import until

STEPS, COMPARED_EVERY = 24, 4
FOUND_FAULTS = (10, 1)
"""Seeds that found late entries whose days stayed without them, and figures of a part of the entries."""


def first_seed() -> int:
    """What FUZZ_SEED says; the histories after it have the seeds after it."""
    given = os.environ.get("FUZZ_SEED")
    return int(given) if given else secrets.randbelow(10**9)


async def test_a_process_answers_as_a_new_one_whatever_its_database_did() -> None:
    goes_on, first, done, compared = until(len(FOUND_FAULTS)), first_seed(), 0, 0
    is_short = not {"FUZZ_SEED", "FUZZ_SECONDS"} & os.environ.keys()
    while goes_on(done):
        seed = FOUND_FAULTS[done] if is_short else first + done
        print(f"\nFUZZ_SEED={seed}", flush=True)
        async with scene_of(seed) as scene:
            for number in range(1, STEPS + 1):
                await scene.step()
                if number % COMPARED_EVERY == 0:
                    await scene.compare()
        done, compared = done + 1, compared + scene.compared
    print(f"{done} histories, {compared} answers compared")
