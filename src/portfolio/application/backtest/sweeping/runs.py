"""All the runs of a request, one after the other and each day by day: what the checkpoint of a job holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Final

import msgspec

from portfolio.application.backtest.decision import Solve
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, Kind
from portfolio.application.backtest.run import advance, check, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.backtest.sweeping.trials import Trial, kept_of, plain, with_policy
from portfolio.application.backtest.sweeping.variants import Variant, around, swept
from portfolio.application.backtest.sweeping.walk_forward import Choice, Window, better, following, training, windows
from portfolio.application.errors import NotBacktestable

DAYS_AT_ONCE: Final[Mapping[Kind, int]] = MappingProxyType({Kind.POLICY: 32, Kind.TARGETS: 8})
"""So few that a slice ends in time, as a decision of an optimiser takes long, and so many that cutting costs little."""

MOST_CHOSEN_AMONG: Final = 10_000
"""So many runs at most does a walk-forward choose among, all windows together."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is to be run: the request's own policy; then ``swept``, ``around`` it, and all of ``swept`` in each of
    ``windows``, in which the best of them goes on.
    """

    request: BacktestRequest
    panel: Panel
    holdings: Holdings | None
    swept: Sequence[Variant]
    around: Sequence[Variant]
    windows: Sequence[Window]

    @classmethod
    def of(cls, request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> Plan:
        """Return the plan of a request.

        Raises:
            NotBacktestable: its sweep can be none, is too large, or has too few days to choose on.
        """
        variants = swept(request.sweep, request.policy) if request.sweep else []
        found = windows(request)
        if len(found) * len(variants) > MOST_CHOSEN_AMONG:
            raise NotBacktestable(
                f"{len(found)} windows x {len(variants)} policies are more than {MOST_CHOSEN_AMONG:,}: ask for fewer"
            )
        return cls(
            request=request,
            panel=panel,
            holdings=holdings,
            swept=variants,
            around=around(request.policy, request.seed) if request.stability else [],
            windows=found,
        )

    @property
    def variants(self) -> Sequence[Variant]:
        """Return those of which each has a trial, in order."""
        return [*self.swept, *self.around]

    @property
    def count(self) -> int:
        """Return how many runs there are."""
        return 1 + len(self.swept) + len(self.around) + len(self.windows) * (len(self.swept) + 1)

    def check(self) -> None:
        """See that every run can begin.

        Raises:
            NotBacktestable: one cannot.
        """
        check(plain(self.request), self.panel, self.holdings)
        for window in self.windows:
            check(training(self.request, window), self.panel, self.holdings)


class Runs(msgspec.Struct, kw_only=True):
    """What is run so far: one's own, the trials that are finished, the choices of walk-forward and what followed each.

    ``tried`` is how many were run of the window that is being chosen in, and ``best`` the best of them; ``running`` is
    the run that is under way, None between two. Equal ones are equal bytes.
    """

    own: BacktestState | None = None
    trials: list[Trial] = []
    choices: list[Choice] = []
    followed: list[BacktestState] = []
    tried: int = 0
    best: Choice | None = None
    running: BacktestState | None = None

    def encode(self) -> bytes:
        """Return it as MessagePack: a checkpoint."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> Runs:
        """Return what ``encode`` made bytes of."""
        return _DECODER.decode(encoded)

    def is_done(self, plan: Plan) -> bool:
        """Return whether all are finished."""
        return self._finished(plan) == plan.count

    def progress(self, plan: Plan) -> float:
        """Return how many of the runs are finished, a part of one by its days, as a fraction."""
        part = self.running.progress if self.running else 0.0
        return min((self._finished(plan) + part) / plan.count, 1.0)

    def advance(self, plan: Plan, solve: Solve | None) -> None:
        """Go on by some days; wherever that is cut, the same comes of it."""
        state = self._begun(plan) if self.running is None else self.running
        until = state.next_day + timedelta(days=DAYS_AT_ONCE[state.request.kind] - 1)
        state = advance(state, plan.panel, until, solve=solve)
        self.running = None if state.is_done else state
        if state.is_done:
            self._keep(plan, state)

    def _finished(self, plan: Plan) -> int:
        of_windows = len(self.followed) * (len(plan.swept) + 1) + self.tried
        return (self.own is not None) + len(self.trials) + of_windows

    def _begun(self, plan: Plan) -> BacktestState:
        """Return the next run, before its first day."""
        request, holdings = plan.request, plan.holdings
        if self.own is None:
            own = plain(request)
        elif len(self.trials) < len(plan.variants):
            own = with_policy(request, plan.variants[len(self.trials)])
        elif self.tried < len(plan.swept):
            own = with_policy(training(request, plan.windows[len(self.followed)]), plan.swept[self.tried])
        else:
            assert self.best is not None, "one was chosen"
            window, chosen = plan.windows[len(self.followed)], plan.swept[self.best.place]
            own, holdings = following(request, chosen, window, self.followed, holdings)
        return start(own, plan.panel, holdings)

    def _keep(self, plan: Plan, state: BacktestState) -> None:
        """Keep what is wanted of a run that is finished."""
        if self.own is None:
            self.own = state
        elif len(self.trials) < len(plan.variants):
            self.trials.append(kept_of(state, plan.panel, plan.variants[len(self.trials)]))
        elif self.tried < len(plan.swept):
            trial = kept_of(state, plan.panel, plan.swept[self.tried])
            self.best, self.tried = better(self.best, self.tried, trial), self.tried + 1
        else:
            assert self.best is not None, "one was chosen"
            self.choices.append(self.best)
            self.followed.append(state)
            self.best, self.tried = None, 0


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic", enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(Runs)
