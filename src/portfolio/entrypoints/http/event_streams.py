"""What the server and the layers around the framework have to know of answers that go on and on."""

from __future__ import annotations

from typing import Final, Protocol

EVENT_STREAM: Final = "text/event-stream"

UNBUFFERED: Final = {"X-Accel-Buffering": "no"}
NOT_BUFFERED: Final = (b"x-accel-buffering", b"no")
"""The header of an answer that goes on and on, and of a long file: neither has a deadline once it has begun."""

IS_HEAD: Final = "portfolio.is_head"
"""The key of the scope that says that the headers alone are wanted."""

CONNECTION: Final = "portfolio.connection"
"""The key of the scope for the client's connection, where the server tells it."""

LAST_WORDS: Final = "portfolio.last_words"
"""The key of a message to a socket that goes out although the client has not read those before."""

MOST_INBOUND_BYTES: Final = 1024
"""What a client of a socket may say, who has nothing to say."""

SEND_BUFFER_BYTES: Final = 128 * 1024
"""What the system keeps for a client that does not read. Without a bound it is some megabytes for each."""


class StreamConnection(Protocol):
    """A client's connection, as an answer that goes on and on needs it."""

    def bound_buffer(self) -> None:
        """Have the system keep little for a client that does not read."""

    def speak_last_words(self) -> None:
        """Let what is sent next go out although the client has not read what was sent before."""
