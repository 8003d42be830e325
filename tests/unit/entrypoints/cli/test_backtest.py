"""``portfolio backtest``: what it prints and writes, and that its exit status tells of a decision that looked ahead."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

from portfolio.adapters.files.configuration import read_policy
from portfolio.analytics.closes import Join, NotJoined
from portfolio.analytics.returns import PriceHistory
from portfolio.application.backtest.decision import Solve
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.state import Holdings
from portfolio.application.errors import LedgerUnavailable
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.entrypoints.cli.commands import commands
from portfolio.settings import Settings
from tests.support.backtests import held, panel_from, walk
from tests.support.fakes.compute import chosen_here

SYMBOLS = ["BTC", "ETH", "SOL"]
HOLDINGS = held(20_000, BTC=400, ETH=100, SOL=50)


class Root:
    """A composition root with closes of its own, up to yesterday."""

    def __init__(
        self,
        *,
        n_days: int = 181,
        away: bool = False,
        holdings: Holdings = HOLDINGS,
        panel_of: type[Panel] = Panel,
    ) -> None:
        self.asked: list[tuple[list[str], int, bool]] = []
        self._n_days, self._away, self._holdings, self._panel_of = n_days, away, holdings, panel_of

    async def stored_closes(
        self, settings: Settings, symbols: Sequence[str], days: int, *, of_held: bool = True
    ) -> tuple[Panel, Holdings]:
        assert isinstance(settings, Settings)
        self.asked.append((list(symbols), days, of_held))
        if self._away:
            raise LedgerUnavailable("nobody answers")
        return self.panel, self._holdings

    @property
    def panel(self) -> Panel:
        """The closes."""
        first = datetime.now(UTC).date() - timedelta(days=self._n_days)
        made = panel_from(walk(self._n_days, len(SYMBOLS), 3), SYMBOLS, first=first)
        return self._panel_of(symbols=made.symbols, first=made.first, closes=made.closes, categories=made.categories)

    def policy(self, option: str, setting: str = "") -> RebalancePolicy:
        """As the real one does."""
        return read_policy(option, named_by="--policy") if option else read_policy(setting)

    def solve(self) -> Solve:
        """In this process."""
        return chosen_here


def call(root: Root, *words: str) -> Result:
    """The command's output and exit status."""
    return CliRunner().invoke(commands, ["backtest", *words], obj=root, catch_exceptions=False)


def day(days_ago: int) -> str:
    """So many days ago, as an option has it."""
    return str(datetime.now(UTC).date() - timedelta(days=days_ago))


@pytest.fixture
def policy_file(tmp_path: Path) -> str:
    """A policy that often has something to say."""
    file = tmp_path / "policy.toml"
    file.write_text("position_limit = 0.2\ncash_trigger = 0.15\n")
    return str(file)


def test_a_run_says_what_came_of_it_beside_doing_nothing_equal_weights_and_btc(policy_file: str) -> None:
    root = Root()
    found = call(root, "run", "--from", day(120), "--policy", policy_file)
    assert found.exit_code == 0, found.output
    assert root.asked == [(["BTC"], 179, True)]
    words = {line.split()[0] for line in found.output.splitlines() if line.strip()}
    assert {"this", "do", "equal", "BTC", "against", "concentration_risk", "remarks:"} <= words
    assert "% a year more than doing nothing" in found.output


class Joined(Root):
    """Of closes that were joined across a split, and not across another one."""

    @property
    def panel(self) -> Panel:
        on = super().panel.day(50)
        joins = Join("ETH", "ETH", Decimal(10), on), Join("SOL", "SOL", Decimal(3), on, NotJoined.NO_JUMP)
        return replace(super().panel, joins=joins)


def test_across_what_closes_are_joined_is_said_and_across_what_not() -> None:
    root = Joined()
    found = call(root, "run", "--from", day(40)).output
    assert f"closes are joined across the split of ETH on {root.panel.day(50)}\n" in found
    assert f"closes are not joined (no jump) across the split of SOL on {root.panel.day(50)}\n" in found
    result = json.loads(call(root, "run", "--from", day(40), "--json").output)["result"]
    assert [[one["symbol"] for one in result[f"{how}_history"]] for how in ("joined", "unjoined")] == [["ETH"], ["SOL"]]


def test_ratios_are_over_the_risk_free_rate_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for rate in ("0", "0.05"):
        monkeypatch.setenv("PORTFOLIO_RISK_FREE_RATE", rate)
        found.append(json.loads(call(Root(), "run", "--from", day(120), "--json").output))
    assert [one["request"].get("risk_free_rate") for one in found] == [None, 0.05]
    free, over = (one["result"]["figures"] for one in found)
    # less by the rate of a day, times 365, over the volatility
    less = 365 * (1.05 ** (1 / 365) - 1) / free["annualized_volatility"]
    assert free["sharpe_ratio"] - over["sharpe_ratio"] == pytest.approx(less, abs=1e-9)


def test_as_json_it_has_the_request_the_result_the_days_and_the_trades(policy_file: str) -> None:
    words = ("run", "--from", day(20), "--to", day(5), "--policy", policy_file, "--same-close", "--seed", "3", "--json")
    found = json.loads(call(Root(), *words).output, parse_float=Decimal)
    assert set(found) == {"request", "result", "equity", "trades"}
    assert (len(found["equity"]), found["equity"][-1]["day"]) == (16, day(5))
    assert found["request"]["fill"] == "same_close"
    assert found["request"]["policy"]["position_limit"] == Decimal("0.2")
    assert found["result"]["end_value"] == found["equity"][-1]["value"]
    assert found["result"]["against_do_nothing"] is None


def test_tables_are_written_as_parquet_exactly(policy_file: str, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "tables"
    words = ("run", "--from", day(60), "--policy", policy_file, "--parquet", str(folder), "--json")
    printed = json.loads(call(Root(), *words).output, parse_float=Decimal)
    equity, trades = (pl.read_parquet(folder / f"{name}.parquet") for name in ("equity", "trades"))
    assert equity["value"].to_list() == [row["value"] for row in printed["equity"]]
    assert [str(one) for one in equity["day"].to_list()] == [row["day"] for row in printed["equity"]]
    assert trades["quantity"].to_list() == [row["quantity"] for row in printed["trades"]] != []
    assert trades["side"].to_list() == [row["side"] for row in printed["trades"]]


def test_weights_of_an_objective_are_bought_from_cash() -> None:
    root = Root()
    words = ("run", "--from", day(40), "--objective", "equal_weight", "--symbol", "eth-usd", "--symbol", "SOL")
    found = json.loads(call(root, *words, "--cash", "5000", "--look-back", "90", "--json").output)
    assert root.asked == [(["BTC", "ETH", "SOL"], 129, False)]
    assert found["request"]["start"] == "cash"
    assert {trade["symbol"] for trade in found["trades"]} == {"ETH", "SOL"}
    assert found["equity"][0]["value"] == 5000


def test_it_begins_with_weights_where_they_are_given() -> None:
    words = ("run", "--from", day(40), "--weight", "BTC=0.1", "--weight", "ETH=0.1", "--cash", "1000", "--json")
    found = json.loads(call(Root(), *words).output)
    assert (found["request"]["start"], found["request"]["weights"]) == ("weights", {"BTC": 0.1, "ETH": 0.1})
    assert found["result"]["start_value"] == 1000


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--from", "soon"), "is no day"),
        (("--from", "2010-01-01"), "--from: it may begin on"),
        (("--from", day(3592)), f"--from: it may begin on {day(3591)}, not earlier"),
        (("--from", "2026-01-01", "--weight", "BTC"), "--weight takes SYMBOL=SHARE, not 'BTC'"),
        (("--from", "2026-01-01", "--weight", "BTC="), "--weight takes SYMBOL=SHARE, not 'BTC='"),
        (("--from", day(0)), "--from: has to be before to"),
        (("--from", day(-400)), "--from: has to be before to"),
        (("--from", "9999-12-31"), "--from: has to be before to"),
        (("--from", "2026-01-01", "--cash", "-1"), "0 or more"),
        (("--from", "2026-01-01", "--cash", "NaN"), "'NaN' is no number"),
        (("--from", "2026-01-01", "--seed", str(2**31)), "2147483648 is not in the range"),
        (("--from", day(40), "--weight", "BTC=1e-19"), "--weight: have to sum to more than 0"),
        (("--from", "2026-01-01", "--cash", "1e400"), "is more than 99999999999999999999"),
        (("--from", "2026-01-01", "--fee-bps", "1000.1"), "is more than 1000"),
        (("--from", "2026-01-01", "--slippage-bps", "20000"), "is more than 1000"),
        (("--from", "2026-01-01", "--recovery-percent", "101"), "is more than 100"),
        (("--from", "2026-01-01", "--weight", "BTC=2"), "is more than 1"),
        (("--from", "2026-01-01", "--weight", "BTC=0.5", "--weight", "btc=0.3"), "names BTC twice"),
        (("--from", "2026-01-01", "--objective", "hrp", "--symbol", "BTC", "--symbol", "btc"), "names BTC twice"),
        (("--from", "2026-01-01", "--symbol", "BTC"), "--symbol goes with --objective"),
        (("--from", "2026-01-01", "--look-back", "180"), "--look-back goes with --objective"),
        (("--from", "2026-01-01", "--estimator", "sample"), "--estimator goes with --objective"),
        (("--from", day(40), "--to", day(41)), "--from: has to be before to"),
        (("--from", day(40), "--to", day(40)), "--from: has to be before to"),
        (("--from", day(1)), "--from: has to be before to"),
        (("--from", day(40), "--to", day(0)), "--to: has to be a day that is over"),
        (("--from", day(40), "--cash", "0"), "--cash: has to be at least 0.000001"),
        (("--from", day(40), "--cash", "1e-7", "--weight", "BTC=1"), "--cash: has to be at least 0.000001"),
        (
            ("--from", day(40), "--weight", "BTC=0.6", "--weight", "ETH=0.5"),
            "--weight: have to sum to more than 0 and at most 1",
        ),
        (("--from", day(40), "--weight", "BTC=0"), "--weight: have to sum to more than 0 and at most 1"),
        (
            ("--from", day(40), "--objective", "min_variance", "--look-back", "20", "--cash", "9", "--symbol", "BTC"),
            "--look-back: min_variance needs 60 days",
        ),
    ],
)
def test_what_cannot_be_read_is_a_usage_error(words: tuple[str, ...], why: str) -> None:
    found = call(Root(), "run", *words)
    assert (found.exit_code, why in found.output) == (64, True), found.output


def test_it_may_begin_as_early_as_one_that_the_service_is_asked_for() -> None:
    for words, days in (
        ((), 3650 - 60),
        (("--objective", "hrp", "--cash", "9", "--symbol", "BTC", "--look-back", "300"), 3650 - 300),
    ):
        root = Root()
        call(root, "run", "--from", day(days + 1), *words)
        assert root.asked[0][1] == 3650


def test_what_is_left_out_is_named() -> None:
    found = call(Root(holdings=held(1000, BTC=1, XRP=5)), "run", "--from", day(40))
    assert found.output.endswith("left out, without a close when it began: XRP\n")
    nothing = call(Root(holdings=held(1000, XRP=5)), "run", "--from", day(40)).output
    assert "against doing nothing +0.00\n" in nothing


def test_numbers_are_those_of_18_decimals_that_the_service_would_take() -> None:
    long = "0.3000000000000000004"
    words = ("run", "--from", day(40), "--weight", f"BTC={long}", "--cash", "1000.0", "--slippage-bps", long, "--json")
    asked = json.loads(call(Root(), *words).output, parse_float=str)["request"]
    assert (asked["weights"], asked["slippage_bps"], asked["initial_value"]) == ({"BTC": "0.3"}, "0.3", 1000)


def test_days_without_closes_are_an_error_in_a_sentence() -> None:
    found = call(Root(n_days=50), "run", "--from", day(60))
    assert (found.exit_code, "there are closes from" in found.output) == (3, True)


def test_a_policy_that_knows_nothing_of_the_future_is_proved(policy_file: str) -> None:
    root = Root(n_days=91)
    found = call(root, "lookahead", "--policy", policy_file, "--cuts", "3", "--json")
    assert found.exit_code == 0
    assert root.asked == [([], 180, True)]
    proved = json.loads(found.output)
    # 60 days with a decision, of which the first, the 30th and the last but one are the cuts; three futures each.
    assert proved == {"cuts": 3, "decisions": 3 * (1 + 30 + 60), "changed": [], "closes": "stored"}
    said = call(root, "lookahead", "--policy", policy_file, "--cuts", "1").output
    assert "\n0 of 3 decisions changed under other futures (1 cuts)\n" in said


@pytest.mark.parametrize("root", [Root(away=True), Root(n_days=59), Root(holdings=held(1, BTC=1))])
def test_where_closes_are_too_few_they_are_made_up_and_that_is_told(root: Root, policy_file: str) -> None:
    found = call(root, "lookahead", "--policy", policy_file, "--cuts", "2", "--json")
    proved = json.loads(found.output)
    assert (found.exit_code, proved["closes"], proved["changed"]) == (0, "simulated", [])
    assert proved["why"] in {"nobody answers", "the closes stored of what is held are too few"}
    assert "simulated closes of AAVE" in call(root, "lookahead", "--policy", policy_file, "--cuts", "1").output


class Peeking(Panel):
    """Closes that tell a decision tomorrow's."""

    def until(self, place: int, n_days: int, symbols: Sequence[str]) -> PriceHistory:
        return super().until(min(place + 1, len(self.closes) - 1), n_days, symbols)


def test_a_decision_that_looks_ahead_is_named_and_the_exit_status_is_one(policy_file: str) -> None:
    root = Root(n_days=91, panel_of=Peeking)
    words = ("lookahead", "--policy", policy_file, "--cuts", "3")
    found = call(root, *words, "--json")
    changed = json.loads(found.output)["changed"]
    assert found.exit_code == 1
    assert changed
    assert all(one["day"] <= one["cut"] for one in changed)
    told = call(root, *words)
    assert (told.exit_code, f"changed: the decision of {changed[0]['day']}" in told.output) == (1, True)


SWEEP = ("sweep", "--set", "position_limit=0.15,0.25")


def test_a_sweep_lists_every_policy_and_what_may_be_chance(policy_file: str) -> None:
    found = call(Root(), *SWEEP, "--from", day(90), "--policy", policy_file)
    assert found.exit_code == 0, found.output
    for part in (
        "position_limit=0.15\n",
        "position_limit=0.25\n",
        "by chance alone",
        "overfitting",
        "of the policies of the sweep did better",
    ):
        assert part in found.output
    short = call(Root(), *SWEEP, "--from", day(20), "--policy", policy_file)
    assert "2 trials on these closes, none with a Sharpe ratio: that takes 64 returns" in short.output
    alike = call(Root(), "sweep", "--set", "position_limit=0.15", "--cash", "100", "--from", day(90))
    assert "1 trial on these closes, none with a Sharpe ratio" in alike.output


def test_a_sweep_as_json_has_all_trials_and_what_they_say_together(policy_file: str) -> None:
    words = ("--from", day(90), "--policy", policy_file, "--walk-forward", "66/20", "--set", "momentum_threshold=-0.4")
    found = json.loads(call(Root(), *SWEEP, *words, "--json").output)
    assert [trial["settings"] for trial in found["trials"]] == [
        {"momentum_threshold": -0.4, "position_limit": 0.15},
        {"momentum_threshold": -0.4, "position_limit": 0.25},
    ]
    assert (found["result"]["trials"], found["stability"]) == (2, None)
    assert 0 <= found["result"]["deflated_sharpe_ratio"] <= 1
    assert len(found["walk_forward"]["folds"]) == 2
    told = call(Root(), *SWEEP, *words)
    assert "chosen on the past alone" in told.output
    assert "together" in told.output


def test_stability_lists_each_setting_alone_and_the_spread_of_all_together(policy_file: str) -> None:
    found = call(Root(), "sweep", "--stability", "--from", day(4), "--policy", policy_file)
    assert "position_limit=0.250" in found.output  # 125 % of 0.2
    assert "with all settings off, 100 times" in found.output


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((), "or --stability"),
        (("--set", "position_limit=0.1", "--stability"), "or --stability"),
        (("--set", "position_limit"), "NAME=A,B"),
        (("--set", "position_limit="), "--set takes NAME=A,B,..., not 'position_limit='"),
        (("--set", "position_limit=x"), "is no number"),
        (("--set", "position_limit=0.1", "--set", "position_limit=0.2"), "names position_limit twice"),
        (("--set", "position_limit=0.1", "--walk-forward", "90"), "DAYS/DAYS"),
        (("--set", "position_limit=0.1", "--walk-forward", "0/1"), "DAYS/DAYS"),
        (("--set", "position_limit=0.1", "--walk-forward", "10000/1"), "DAYS/DAYS"),
        (("--stability", "--walk-forward", "90/30"), "chooses among"),
        (("--stability", "--samples", "5"), "--samples draws from the policies of --set"),
        (("--set", "position_limit=1e-19"), "has to be above 0"),
        (("--set", "position_limit=0.2,0.2000000000000000001"), "has a value twice"),
        (("--set", "position_limit=1e30"), "1e20"),
        (("--set", "position_limit=" + ",".join(f"0.{n}" for n in range(100, 900)), "--walk-forward", "2/1"), "10,000"),
    ],
)
def test_a_sweep_that_cannot_be_read_is_a_usage_error(words: tuple[str, ...], why: str) -> None:
    found = call(Root(), "sweep", "--from", day(30), *words)
    assert (found.exit_code, why in found.output) == (64, True), found.output


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ("cash_trigger=0", "no policy of the grid can be"),  # the target would be over it
        ("position_limit=0.2,25", "position_limit has to be above 0 and at most 1"),
        ("position_limit=0.2,0.20", "position_limit has a value twice"),
        ("positions=0.2", "positions is no number of a policy"),
    ],
)
def test_values_that_no_policy_may_have_are_a_usage_error(values: str, why: str) -> None:
    found = call(Root(), "sweep", "--from", day(30), "--set", values)
    assert (found.exit_code, why in found.output) == (64, True), found.output


def test_a_walk_forward_of_more_days_than_there_are_is_a_usage_error() -> None:
    words = ("--set", "position_limit=0.2,0.3", "--walk-forward", "90/10")
    found = call(Root(), "sweep", "--from", day(30), *words)
    assert (found.exit_code, "there are too few" in found.output) == (64, True), found.output
