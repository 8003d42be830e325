"""Places in the books, and messages as they are sent."""

from __future__ import annotations

import pytest

from portfolio.application.stream.records import BEFORE_ALL, Frame, Place


def test_a_place_is_written_as_it_is_read() -> None:
    place = Place(118, 4021, "9f3c2ab1")
    assert str(place) == "118.4021.9f3c2ab1"
    assert Place.parse(str(place)) == place
    assert str(BEFORE_ALL) == "0.0.00000000"


@pytest.mark.parametrize(
    "text",
    ["", "118", "118.4021", "118.4021.9f3c2ab", "118.4021.9F3C2AB1", "-1.0.00000000", "01.0.00000000", "1.1.0000000g",
     "1.1.00000000 ", "1.1.000000000", "9" * 20 + ".0.00000000", "١.0.00000000"],
)  # fmt: skip
def test_any_other_text_names_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="has to be the position of a message"):
        Place.parse(text)


def test_a_message_is_an_event_whose_id_is_its_place() -> None:
    frame = Frame("state", b'{"type":"state"}', Place(3, 1, "9f3c2ab1"))
    assert frame.event == b'event: state\nid: 3.1.9f3c2ab1\ndata: {"type":"state"}\n\n'
    assert frame.event is frame.event
    assert Frame("bye", b"{}").event == b"event: bye\ndata: {}\n\n"
