"""A sequence that tells how far it is: every so many members, and at the end."""

from portfolio.application.imports.progress import EVERY, Told, tell_nobody


def test_it_tells_before_every_thousand_and_at_the_end() -> None:
    said: list[tuple[str, int, int]] = []
    told = Told(range(2 * EVERY + 5), "counting", lambda *words: said.append(words))
    assert list(told) == list(range(2 * EVERY + 5))
    assert said == [("counting", done, 2_005) for done in (0, 1_000, 2_000, 2_005)]


def test_it_is_the_sequence_that_it_tells_of() -> None:
    told = Told("abc", "spelling", tell_nobody)
    assert (len(told), told[0], told[1:], list(told), "c" in told) == (3, "a", "bc", ["a", "b", "c"], True)
    assert list(Told("", "spelling", tell_nobody)) == []
