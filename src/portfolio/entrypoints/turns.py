"""What is computed beside the event loop takes turns: one thread, so that the loop competes with no more than one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor


async def take_turns() -> None:
    """Have the running loop hand what it hands to threads to one of them, first come, first served.

    Python computes in one thread at a time whatever there is of them, so several are no faster. But each that wants to
    go on does so before the event loop may: with a dozen analyses at once it was late by twice as much.
    """
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="analytics"))
