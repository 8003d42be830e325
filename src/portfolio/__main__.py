"""The start of the program: what the process was given is looked at before anything else is imported."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import traceback
from typing import Final, NoReturn

LEAST_MIB: Final = 512
EXIT_FAILED, EXIT_FAULT, EXIT_INTERRUPTED = 3, 70, 130


def main() -> None:
    """Carry out the command line; Ctrl-C is an interruption from the first moment on."""
    try:
        _carry_out()
    except KeyboardInterrupt:
        _end("interrupted", EXIT_INTERRUPTED)


def _carry_out() -> None:
    _open_what_is_closed()
    # They would kill: a service reads its keys again at the first, and nobody here has a use for the others.
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    _refuse_little_memory()
    # What is imported stays: to look for garbage in it, at the start and at the end, is a fifth of a command's time.
    gc.disable()
    try:
        from portfolio.main import main as carry_out  # noqa: PLC0415  not before memory is known to do
    except Exception:  # noqa: BLE001  an installation that is incomplete
        _end(f"this installation cannot be used\n{traceback.format_exc()}", EXIT_FAULT)
    gc.freeze()
    gc.enable()
    carry_out()


def _open_what_is_closed() -> None:
    """Have the three standard descriptors open: the next file or socket would take the place of a closed one. Nor has
    the interpreter a stream for one that was closed when it started.
    """
    for descriptor, stream in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free, which is this one
        if getattr(sys, stream) is None:
            setattr(sys, stream, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))


def _refuse_little_memory() -> None:
    for what, kind in (("-v", resource.RLIMIT_AS), ("-d", resource.RLIMIT_DATA)):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY and limit < LEAST_MIB * 1024 * 1024:
            _end(f"at least {LEAST_MIB} MiB of memory are needed, and {limit >> 20} are allowed (ulimit {what})")


def _end(why: str, status: int = EXIT_FAILED) -> NoReturn:
    os.write(2, f"portfolio: {why}\n".encode())
    sys.exit(status)


if __name__ == "__main__":
    main()
