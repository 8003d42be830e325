"""A backtest asked of a running service."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx

DAYS: Final = 90
MANY: Final = {
    "sweep": {"grid": {"position_limit": [0.15, 0.2, 0.3], "cash_trigger": [0.2, 0.4]}},
    "stability": True,
    "walk_forward": {"train_days": 30, "test_days": 20},
}
_SECONDS: Final = 300.0


def backtested(url: str) -> str:
    """Ask for the policy's last ninety days, from what is held, with a sweep, stability and walk-forward; wait until
    they are done, and return the job's id.
    """
    last = datetime.now(UTC).date() - timedelta(days=1)
    body = {"from": str(last - timedelta(days=DAYS)), "to": str(last), **MANY}
    with httpx.Client(base_url=url, timeout=60) as client:
        asked = client.post("/backtests", json=body)
        assert asked.status_code == 202, asked.text
        job_id: str = asked.json()["backtest"]["id"]
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            job = client.get(f"/backtests/{job_id}").json()["backtest"]
            if job["state"] == "done":
                return job_id
            assert job["state"] in {"queued", "running"}, job
            time.sleep(0.1)
    raise AssertionError(f"{job_id} is not done after {_SECONDS} s")
