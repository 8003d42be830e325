"""A MySQL-family server in a container, where a Docker engine answers."""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from docker.models.containers import Container
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from tests.support.database.database_server import DatabaseServer, free_port
from tests.support.database.watchdog import watch_from

DEFAULT_IMAGE = "mysql:8.4"
IMAGE_VARIABLE = "TEST_IMAGE"
PROBE = "from testcontainers.core.docker_client import DockerClient; DockerClient(timeout=10).client.ping()"
SERVER_OPTIONS = (
    "--loose-auto-generate-certs=OFF",  # as MariaDB without certificates: what is sent can be read
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=64M",
    "--max-connections=500",
)


def docker_answers() -> bool:
    """Whether there is a Docker engine to ask; failing leaves sockets open, hence the process."""
    command = [sys.executable, "-W", "ignore", "-c", PROBE]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    return result.returncode == 0


@dataclass(kw_only=True)
class ContainerServer(DatabaseServer):
    """A container, on a fixed port of this machine, which ends with the tests even if they are killed."""

    container_id: str

    @classmethod
    def launch(cls, *, owner_pid: int, options: tuple[str, ...] = ()) -> Self:
        """A new server that answers, of the image named by TEST_IMAGE, or MySQL 8.4."""
        # The reaper of testcontainers ends with the process that started it; a shared server must not.
        testcontainers_config.ryuk_disabled = True
        password = secrets.token_hex(16)
        port = free_port()  # a port chosen by the engine would be another one after a restart
        container = (
            DockerContainer(os.environ.get(IMAGE_VARIABLE, DEFAULT_IMAGE))
            .with_env("MYSQL_ROOT_PASSWORD", password)
            .with_env("MARIADB_ROOT_PASSWORD", password)
            .with_env("MYSQL_ROOT_HOST", "%")
            .with_bind_ports(3306, port)
            .with_command([*SERVER_OPTIONS, *options])
        )
        container.start()
        server = cls(
            host=container.get_container_host_ip(),
            port=port,
            admin_user="root",
            admin_password=password,
            container_id=container.get_container_id(),
        )
        watch_from(owner_pid, "container", server.container_id)
        try:
            server.wait_until_ready()
        except BaseException:
            server.destroy()
            raise
        return server

    def start(self) -> None:
        """Run, on the same port and data as before, and answer."""
        with self._container() as container:
            container.start()
        self.wait_until_ready()

    def stop(self) -> None:
        """End in good order, as a DBA would."""
        with self._container() as container:
            container.stop(timeout=60)

    def kill(self) -> None:
        """End at once, as a power cut would."""
        with self._container() as container:
            container.kill()

    def pause(self) -> None:
        """Keep every connection and accept new ones, and answer nothing."""
        with self._container() as container:
            container.pause()

    def resume(self) -> None:
        """Go on after a pause."""
        with self._container() as container:
            container.unpause()

    def destroy(self) -> None:
        """End, in whatever state, and leave nothing behind."""
        with self._container() as container:
            container.remove(force=True, v=True)

    def diagnosis(self) -> str:
        """The end of the container's log if the container has ended, else nothing."""
        with self._container() as container:
            if container.status in {"created", "running", "restarting", "paused"}:
                return ""
            log = container.logs(tail=15).decode(errors="replace")
        return f"the container has ended; its log says:\n{log}"

    @contextmanager
    def _container(self) -> Iterator[Container]:
        client = DockerClient().client
        try:
            yield client.containers.get(self.container_id)
        finally:
            client.close()
