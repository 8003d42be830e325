"""Answers weights for an objective, and the plan that leads to them; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from decimal import Decimal
from functools import partial

from portfolio.analytics.closes import last_close
from portfolio.analytics.optimisation.history import common_returns
from portfolio.analytics.optimisation.problem import TurnoverTooSmall
from portfolio.application.clock import Clock
from portfolio.application.errors import ClosesPending, TurnoverBoundTooLow
from portfolio.application.ledger.snapshots import Snapshot
from portfolio.application.optimisation.answering import optimised
from portfolio.application.optimisation.ports import Compute
from portfolio.application.optimisation.question import problem_of, question_of, short_ones
from portfolio.application.optimisation.records import OptimisationRequest, Optimised
from portfolio.application.prices.fetched_closes import FetchCloses
from portfolio.application.risk.metrics import measured
from portfolio.application.risk.state import MarketState, ReadMarket, summary_of
from portfolio.domain.arithmetic import ZERO
from portfolio.domain.money import Price
from portfolio.domain.rebalancing.policy import RebalancePolicy
from portfolio.domain.rebalancing.summary import Summary
from portfolio.domain.symbol import Symbol


@dataclass(frozen=True, slots=True)
class Optimise:
    """Optimises the portfolio; closes of assets that were never held are fetched, and kept.

    ``seconds`` is how long an answer may take in all; ``risk_free_rate`` a year's, a fraction.
    """

    read_market: ReadMarket
    fetch_closes: FetchCloses
    compute: Compute
    clock: Clock
    _: KW_ONLY
    seconds: float
    risk_free_rate: Decimal = ZERO

    async def __call__(self, snapshot: Snapshot, request: OptimisationRequest) -> Optimised:
        """Return the weights that ``request`` asks for.

        Raises:
            InvalidPolicy: a limit that is not allowed.
            NotOptimisable: there are no weights to answer, see its kinds.
            ClosesPending: closes of assets that were asked for are being fetched.
            NotInstalled: what computes them is not there.
            ComputationFailed: it ended without a result, or took too long.
        """
        begun = self.clock.monotonic()
        policy = RebalancePolicy.from_mapping(request.changes, base=self.read_market.policy)
        targets = request.targets
        asked = [Symbol(symbol) for symbol in targets.symbols or ()]
        state, at_close = await self._state(snapshot, asked)
        if policy != state.policy:
            state = state.imagined(Summary.of(state.view, policy))
        question = await measured(lambda of: question_of(summary_of(of), targets), state)
        closes = state.closes  # those of a year come with every state
        if targets.days > closes.history.n_days:
            closes = (await self.read_market.of(snapshot, targets.days, also=dict.fromkeys(asked))).closes
        history = closes.history
        if short := short_ones(question, history):
            question = await measured(lambda of: question_of(summary_of(of), targets, short), state)
        returns = common_returns(history, question.universe.free, targets.days)
        problem = problem_of(question, returns, self.risk_free_rate)
        left = self.seconds - (self.clock.monotonic() - begun)
        try:
            solved = await self.compute.optimise(problem, seconds=left)
        except TurnoverTooSmall as error:
            raise TurnoverBoundTooLow(question.percent_of_trades(Decimal(error.least))) from error
        answering = partial(
            optimised, question=question, solved=solved, observations=len(returns.returns), at_close=at_close
        )
        found = await measured(answering, state)
        return replace(found, joined_history=closes.joined_history, unjoined_history=closes.unjoined_history)

    async def _state(self, snapshot: Snapshot, asked: Sequence[Symbol]) -> tuple[MarketState, list[str]]:
        """Return the state with the assets asked for, and those of them that nobody holds, at their last close."""
        held = {position.symbol for position in snapshot.portfolio.open_positions}
        others = [symbol for symbol in asked if symbol not in held]
        state = await self.read_market.of(snapshot, also=dict.fromkeys(others))
        if not others:
            return state, []
        missing = [symbol for symbol in others if last_close(state.closes.history, symbol.code) is None]
        if missing and not snapshot.database_away:
            await self.fetch_closes.several(missing, self.seconds / 3)
            snapshot = await self.read_market.newest()
            state = await self.read_market.of(snapshot, also=dict.fromkeys(others))
            self._check_pending(state, missing)
        priced: Mapping[Symbol, Price | None] = {symbol: _last_price(state, symbol) for symbol in others}
        state = await self.read_market.of(snapshot, also=priced)
        return state, sorted(symbol.code for symbol, price in priced.items() if price is not None)

    def _check_pending(self, state: MarketState, fetched: Sequence[Symbol]) -> None:
        """Refuse to call closes missing that who asks again may get."""
        missing = [symbol for symbol in fetched if last_close(state.closes.history, symbol.code) is None]
        if pending := [symbol.code for symbol in missing if self.fetch_closes.may_come(symbol)]:
            raise ClosesPending(pending)


def _last_price(state: MarketState, symbol: Symbol) -> Price | None:
    close = last_close(state.closes.history, symbol.code)
    return None if close is None else Price.rounded(Decimal(close))
