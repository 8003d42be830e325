"""What the trades of a period brought: rates, sizes, streaks and times."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby

from portfolio.analytics.decimals import STEP
from portfolio.application.performance.days.entries import LedgerDay
from portfolio.application.performance.reasons import Figures, Reasons
from portfolio.domain.money import added, sum_of


def trading_results(days: Sequence[LedgerDay], reasons: Reasons) -> Figures:
    """Return the figures of the trades of these days, net of all fees; zero is neither win nor loss.

    Expectancy is the mean result of a closing trade (Tharp, "Trade Your Way to Financial Freedom", 1998, in money).
    """
    closings = [closing for day in days for closing in day.closings]
    wins = [closing.result for closing in closings if closing.result.value > 0]
    losses = [closing.result for closing in closings if closing.result.value < 0]
    profit, loss = sum_of(wins), sum_of(losses)
    none = "no_closing_trades"
    no_win, no_loss = ("no_wins", "no_losses") if closings else (none, none)
    decided = Decimal(len(wins) + len(losses))
    held = [closing.held_days for closing in closings if closing.held_days is not None]
    return {
        "num_trades": sum(len(day.trades) for day in days),
        "win_rate": reasons.quotient("win_rate", Decimal(len(wins)), decided, STEP, none),
        "profit_factor": reasons.quotient(
            "profit_factor", profit.value, loss.value.copy_negate(), STEP, no_loss if wins or losses else none
        ),
        "expectancy": reasons.mean("expectancy", added(profit, loss), len(closings), none),
        "average_win": reasons.mean("average_win", profit, len(wins), no_win),
        "average_loss": reasons.mean("average_loss", loss, len(losses), no_loss),
        "largest_win": reasons.known("largest_win", max(wins, default=None), no_win),
        "largest_loss": reasons.known("largest_loss", min(losses, default=None), no_loss),
        **_streaks([closing.result.value > 0 for closing in closings if closing.result]),
        "average_holding_days": reasons.ratio(
            "average_holding_days", sum(held) / len(held) if held else None, "no_purchase_known" if closings else none
        ),
    }


def _streaks(won: Sequence[bool]) -> Figures:
    """Return the longest rows of wins and of losses, and the one that the period ends with, below zero of losses."""
    runs = [(is_win, sum(1 for _ in run)) for is_win, run in groupby(won)]
    is_win, length = runs[-1] if runs else (True, 0)
    return {
        "longest_winning_streak": max((length for is_win, length in runs if is_win), default=0),
        "longest_losing_streak": max((length for is_win, length in runs if not is_win), default=0),
        "current_streak": length if is_win else -length,
    }
