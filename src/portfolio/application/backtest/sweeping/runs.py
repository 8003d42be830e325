"""All the runs of a request, one after the other and each day by day: what the checkpoint of a job holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from operator import itemgetter
from types import MappingProxyType
from typing import Final

import msgspec

from portfolio.application.backtest.decision import Solve
from portfolio.application.backtest.panel import Panel
from portfolio.application.backtest.request import BacktestRequest, Kind
from portfolio.application.backtest.run import advance, check, start
from portfolio.application.backtest.state import BacktestState, Holdings
from portfolio.application.backtest.sweeping.trials import Trial, kept_of, of_one_run, with_policy
from portfolio.application.backtest.sweeping.variants import Variant, around, swept
from portfolio.application.backtest.sweeping.walk_forward import (
    Choice,
    Window,
    better,
    following,
    handed_on,
    training,
    windows,
)
from portfolio.application.errors import NotBacktestable

DAYS_AT_ONCE: Final[Mapping[Kind, int]] = MappingProxyType({Kind.POLICY: 32, Kind.TARGETS: 8})
"""So few that a slice ends in time, as a decision of an optimiser takes long, and so many that cutting costs little."""

MOST_CHOSEN_AMONG: Final = 10_000
"""So many runs at most does a walk-forward choose among, all windows together."""


class RunPlan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
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
    def of(cls, request: BacktestRequest, panel: Panel, holdings: Holdings | None) -> RunPlan:
        """Return the plan of a request.

        Raises:
            NotBacktestable: its sweep can be none, is too large, has too few days to choose on, or walk-forward too
                many policies to choose among.
        """
        variants, found = swept(request.sweep, request.policy) if request.sweep else [], windows(request)
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
    def tries(self) -> int:
        """Return how many trials there are, those that walk-forward chooses among included: each has a place. None
        hangs on another one.
        """
        return len(self.variants) + len(self.windows) * len(self.swept)

    def trial(self, place: int) -> tuple[BacktestRequest, Variant]:
        """Return the trial of a place, the trials of the windows being the last ones."""
        if place < len(self.variants):
            variant = self.variants[place]
            return with_policy(self.request, variant), variant
        window, of_window = divmod(place - len(self.variants), len(self.swept))
        variant = self.swept[of_window]
        return with_policy(training(self.request, self.windows[window]), variant), variant

    @property
    def count(self) -> int:
        """Return how many runs there are."""
        return 1 + len(self.swept) + len(self.around) + len(self.windows) * (len(self.swept) + 1)

    def check(self) -> None:
        """See that every run can begin; raises ``NotBacktestable``."""
        check(of_one_run(self.request), self.panel, self.holdings)
        for window in self.windows:
            check(training(self.request, window), self.panel, self.holdings)
        if self.windows:
            check(following(self.request, self.swept[0], self.windows[0], None), self.panel, self.holdings)


class _Rules(msgspec.Struct):
    engine: str = ""


class Runs(msgspec.Struct, kw_only=True):
    """What is run so far: one's own, the trials that are finished, the choices of walk-forward and what followed each.

    ``tried`` is how many were run of the window that is being chosen in, and ``best`` the best of them; ``running`` is
    the run that is under way, None between two. ``ahead`` are trials that were run elsewhere before it was their turn,
    by place, in their order: what comes of it all is the same with them and without. Equal ones are equal bytes.
    ``engine`` is the version of the rules that ran it.
    """

    engine: str = ""
    own: BacktestState | None = None
    trials: list[Trial] = []
    choices: list[Choice] = []
    followed: list[BacktestState] = []
    tried: int = 0
    best: Choice | None = None
    running: BacktestState | None = None
    ahead: list[tuple[int, Trial]] = []

    def encode(self) -> bytes:
        """Return it as MessagePack: a checkpoint."""
        return _ENCODER.encode(self)

    @classmethod
    def resumed(cls, encoded: bytes | None, engine: str) -> Runs:
        """Return what ``encode`` made bytes of; none yet where other rules ran it, whatever its shape."""
        if encoded is None or _RULES.decode(encoded).engine != engine:
            return cls(engine=engine)
        return _DECODER.decode(encoded)

    def is_done(self, plan: RunPlan) -> bool:
        """Return whether all are finished."""
        return self._finished(plan) == plan.count

    def progress(self, plan: RunPlan) -> float:
        """Return how many of the runs are finished, a part of one by its days, as a fraction."""
        part = self.running.progress if self.running else 0.0
        return min((self._finished(plan) + len(self.ahead) + part) / plan.count, 1.0)

    def to_try(self, plan: RunPlan) -> range:
        """Return the places of the trials that come after what is under way, up to those that were run elsewhere."""
        left = self._left(plan)
        stop = left.stop
        for place, _ in reversed(self.ahead):
            if place != stop - 1:
                break
            stop = place
        return range(left.start, stop)

    def take(self, plan: RunPlan, found: Mapping[int, bytes]) -> None:
        """Take trials that were run elsewhere, by place; those whose turn has been are left."""
        there = self._left(plan)
        known = dict(self.ahead) | {place: _TRIALS.decode(one) for place, one in found.items()}
        self.ahead = sorted(((place, trial) for place, trial in known.items() if place in there), key=itemgetter(0))

    def advance(self, plan: RunPlan, solve: Solve | None) -> None:
        """Go on by some days, or by a trial that was run elsewhere; wherever that is cut, the same comes of it."""
        if self.running is None and self._is_trial(plan) and self.ahead and self.ahead[0][0] == self._place(plan):
            self._keep_trial(plan, self.ahead.pop(0)[1])
            return
        state = self._begun(plan) if self.running is None else self.running
        state = days_further(state, plan.panel, solve)
        self.running = None if state.is_done else state
        if state.is_done:
            self._keep(plan, state)

    def _finished(self, plan: RunPlan) -> int:
        of_windows = len(self.followed) * (len(plan.swept) + 1) + self.tried
        return (self.own is not None) + len(self.trials) + of_windows

    def _left(self, plan: RunPlan) -> range:
        """Return the places of the trials that come after what is under way."""
        first = 0 if self.own is None else self._place(plan) + (self.running is not None and self._is_trial(plan))
        return range(first, plan.tries)

    def _is_trial(self, plan: RunPlan) -> bool:
        """Return whether it is the turn of a trial: not of one's own policy, nor of what goes on after a choice."""
        return self.own is not None and (len(self.trials) < len(plan.variants) or self.tried < len(plan.swept))

    def _place(self, plan: RunPlan) -> int:
        """Return the place of the trial whose turn it is, or of the first one after it."""
        return len(self.trials) + len(self.followed) * len(plan.swept) + self.tried

    def _begun(self, plan: RunPlan) -> BacktestState:
        """Return the next run, before its first day."""
        request, holdings, left = plan.request, plan.holdings, None
        if self.own is None:
            own = of_one_run(request)
        elif self._is_trial(plan):
            own, _ = plan.trial(self._place(plan))
        else:
            assert self.best is not None, "one was chosen"
            window, chosen = plan.windows[len(self.followed)], plan.swept[self.best.place]
            left = handed_on(self.followed, plan.panel, window)
            own, holdings = following(request, chosen, window, left), left or holdings
        return start(own, plan.panel, holdings, goes_on=left is not None)

    def _keep(self, plan: RunPlan, state: BacktestState) -> None:
        """Keep what is wanted of a run that is finished."""
        if self.own is None:
            self.own = state
        elif self._is_trial(plan):
            _, variant = plan.trial(self._place(plan))
            self._keep_trial(plan, kept_of(state, plan.panel, variant))
        else:
            assert self.best is not None, "one was chosen"
            self.choices.append(self.best)
            self.followed.append(state)
            self.best, self.tried = None, 0

    def _keep_trial(self, plan: RunPlan, trial: Trial) -> None:
        if len(self.trials) < len(plan.variants):
            self.trials.append(trial)
        else:
            self.best, self.tried = better(self.best, self.tried, trial), self.tried + 1


def days_further(state: BacktestState, panel: Panel, solve: Solve | None) -> BacktestState:
    """Return a run some days later: so few that who looks at the clock between two does so in time."""
    until = state.next_day + timedelta(days=DAYS_AT_ONCE[state.request.kind] - 1)
    return advance(state, panel, until, solve=solve)


def trial_bytes(trial: Trial) -> bytes:
    """Return a trial as ``Runs.take`` takes it."""
    return _ENCODER.encode(trial)


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic", enc_hook=dict)
_DECODER: Final = msgspec.msgpack.Decoder(Runs)
_RULES: Final = msgspec.msgpack.Decoder(_Rules)
_TRIALS: Final = msgspec.msgpack.Decoder(Trial)
