"""Run as a process of its own: removes a server of the tests when the tests have died without removing it.

    watchdog.py OWNER_PID process SERVER_PID DIRECTORY
    watchdog.py OWNER_PID container CONTAINER_ID

Ends when the owner has, or when there is nothing left to watch.
"""

import os
import shutil
import signal
import subprocess
import sys
import time

import psutil

POLL_SECONDS = 0.5


def watch_from(owner_pid: int, kind: str, *what: str) -> None:
    """Start a watchdog that outlives the process that starts it, and that takes no part in its Ctrl-C."""
    devnull = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    arguments = [sys.executable, __file__, str(owner_pid), kind, *what]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}
    os.posix_spawn(sys.executable, arguments, environment, file_actions=devnull, setpgroup=0)


def process_of(pid: int) -> psutil.Process | None:
    """The process if it is alive; one that has ended and was not yet fetched by its parent is not."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None


def is_same(process: psutil.Process) -> bool:
    """Whether it lives; a number that was given to another process since does not count."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _remove_process(owner: psutil.Process | None, pid: int, directory: str) -> None:
    server = process_of(pid)
    while owner is not None and is_same(owner):
        if server is None or not is_same(server):
            return  # it was stopped on purpose: its successor has a watchdog of its own
        time.sleep(POLL_SECONDS)
    if server is not None and is_same(server):
        server.send_signal(signal.SIGKILL)
        while is_same(server):
            time.sleep(0.05)
    shutil.rmtree(directory, ignore_errors=True)


def _remove_container(owner: psutil.Process | None, container: str) -> None:
    while owner is not None and is_same(owner):
        time.sleep(POLL_SECONDS)
    subprocess.run(["docker", "rm", "--force", "--volumes", container], check=False)


def main(owner_pid: str, kind: str, *what: str) -> None:
    """Wait for the owner's end, then tidy up."""
    owner = process_of(int(owner_pid))
    if kind == "process":
        pid, directory = what
        _remove_process(owner, int(pid), directory)
    else:
        _remove_container(owner, *what)


if __name__ == "__main__":
    main(*sys.argv[1:])
