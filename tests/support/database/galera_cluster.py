"""A Galera cluster of three nodes on this machine: own directories, own ports, an account without rights."""

import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pymysql
from sqlalchemy import make_url

from tests.support.database.database_server import ADMIN_USER, DatabaseServerError, free_port
from tests.support.database.databases import DatabaseUnderTest
from tests.support.database.galera_programs import GaleraPrograms, find_or_install_galera
from tests.support.database.mariadb import MariaDbServer
from tests.support.database.watchdog import watch_from

ACCOUNT = "nobody"
NODES = 3
SETTLE_SECONDS = 90.0
# The group's patience with a silent node, shorter than the usual 5 and 15 seconds.
GROUP_OPTIONS = (
    "evs.keepalive_period=PT0.5S",
    "evs.inactive_check_period=PT0.5S",
    "evs.suspect_timeout=PT3S",
    "evs.inactive_timeout=PT6S",
    "evs.install_timeout=PT6S",
    "gcache.size=32M",
)
# Those of mariadb-server's documentation for Galera; the rest is as for a server alone, fsync at every commit too.
NODE_OPTIONS = ("--wsrep-on=ON", "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-sst-method=rsync")


@dataclass(kw_only=True)
class GaleraNode(MariaDbServer):
    """A node of the cluster: a `mariadbd` that may be killed, paused and started like any other of the tests."""

    name: str
    group_port: int
    path: str

    def start(self) -> None:
        """Come back to the cluster and answer, as Debian's unit does: from the position that the data are at."""
        self.begin()
        self.wait_until_ready(SETTLE_SECONDS)

    def begin(self, *further: str) -> None:
        """Start, and do not wait: a node that is alone serves nobody until it has found a majority."""
        position = self._recovered_position()
        at = [f"--wsrep-start-position={position}"] if position else []
        self._spawn(*at, *further, environment=self._environment)

    def found(self, programs: GaleraPrograms) -> None:
        """Make the system tables and start as the first node of a new cluster."""
        self._initialise(programs.mariadb)
        init = Path(self.directory, "init.sql")
        init.chmod(0o644)
        self._spawn("--wsrep-new-cluster", f"--init-file={init}", environment=self._environment)
        self.wait_until_ready(SETTLE_SECONDS)

    def forget(self) -> None:
        """Have no data: at its next start the node takes all of them from the others."""
        data = Path(self.directory, "data")
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir()
        give_to_account(data)

    def isolate(self) -> None:
        """Hear nothing of the other nodes and be heard by none, and go on answering clients."""
        self._set_isolated("1")

    def rejoin(self) -> None:
        """Hear the other nodes again."""
        self._set_isolated("0")

    def _set_isolated(self, value: str) -> None:
        self.execute(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={value}'")

    def status(self, name: str) -> str:
        """The value of one of the server's status variables; empty where it does not answer."""
        try:
            rows = self.execute(f"SHOW GLOBAL STATUS LIKE '{name}'")
        except (pymysql.Error, OSError):
            return ""
        return str(rows[0][1]) if rows else ""

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PATH": self.path}

    def _recovered_position(self) -> str:
        """Where the data of a node that was killed end; empty for one that has none."""
        if not Path(self.directory, "data", "ibdata1").exists():
            return ""
        log = Path(self.directory, "recover.log")
        command = [self.mariadbd, *self._directory_options(), *self.options, "--wsrep-recover", f"--log-error={log}"]
        log.unlink(missing_ok=True)
        log.touch()
        give_to_account(log)
        command += [f"--socket={self.socket}", "--skip-networking"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120)
        found = re.findall(r"Recovered position:\s*(\S+)", log.read_text(errors="replace"))
        return found[-1] if found else ""


class GaleraCluster:
    """Three nodes with the same books, while it is entered; ends with the tests even if they are killed."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="portfolio-galera-"))
        self.nodes: list[GaleraNode] = []

    def __enter__(self) -> Self:
        try:
            self._launch()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self.nodes:
            node.destroy()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create_database_pair(self, name: str) -> DatabaseUnderTest:
        """Two empty databases on all nodes; the URL is the first node's."""
        return self.nodes[0].create_database_pair(name)

    def settings(self, first: int = 0) -> dict[str, str]:
        """The further hosts for a service whose URL names node ``first``."""
        further = [f"{node.host}:{node.port}" for node in self.nodes[first + 1 :] + self.nodes[:first]]
        return {"PORTFOLIO_DATABASE_HOSTS": ",".join(further)}

    def url_on(self, node: GaleraNode, url: str) -> str:
        """The URL of the same database on another node."""
        return make_url(url).set(host=node.host, port=node.port).render_as_string(hide_password=False)

    def mend(self) -> None:
        """Return with all nodes up and of one mind, whatever was done to them."""
        down = [node for node in self.nodes if not node.is_running()]
        for node in self.nodes:
            if node not in down:
                node.resume()
                node.rejoin()
        for node in down:
            node.begin()
        self.wait_for(NODES)

    def wait_for(self, size: int, among: Iterable[GaleraNode] | None = None) -> None:
        """Return once all these nodes serve, in a cluster of this size.

        Raises:
            DatabaseServerError: they do not; with what each says of itself.
        """
        nodes = list(among or self.nodes)
        deadline = time.monotonic() + SETTLE_SECONDS
        wanted = {"wsrep_cluster_size": str(size), "wsrep_ready": "ON", "wsrep_local_state_comment": "Synced"}
        while True:
            found = {node.name: {name: node.status(name) for name in wanted} for node in nodes}
            if all(states == wanted for states in found.values()):
                return
            if time.monotonic() > deadline:
                message = "\n".join([f"the cluster does not settle: {found}", *(node.diagnosis() for node in nodes)])
                raise DatabaseServerError(message)
            time.sleep(0.1)

    def _launch(self) -> None:
        owner = os.getpid()
        watch_from(owner, "process", str(owner), str(self._folder))
        programs = find_or_install_galera(self._folder)
        self._folder.chmod(0o755)
        ports = [[free_port() for _ in range(4)] for _ in range(NODES)]
        members = ",".join(f"127.0.0.1:{group}" for _, group, _, _ in ports)
        password = secrets.token_hex(16)
        for number, (port, group, increments, states) in enumerate(ports, start=1):
            directory = Path(tempfile.mkdtemp(prefix="portfolio-galera-node-"))
            give_to_account(directory)
            provider = [f"gmcast.listen_addr=tcp://127.0.0.1:{group}", f"ist.recv_addr=127.0.0.1:{increments}"]
            options = (
                *NODE_OPTIONS,
                f"--wsrep-provider={programs.library}",
                f"--wsrep-cluster-address=gcomm://{members}",
                "--wsrep-cluster-name=portfolio_tests",
                f"--wsrep-node-name=node{number}",
                "--wsrep-node-address=127.0.0.1",
                f"--wsrep-sst-receive-address=127.0.0.1:{states}",
                f"--wsrep-provider-options={';'.join([*provider, *GROUP_OPTIONS])}",
            )
            self.nodes.append(
                GaleraNode(
                    host="127.0.0.1",
                    port=port,
                    admin_user=ADMIN_USER,
                    admin_password=password,
                    mariadbd=programs.mariadb.mariadbd,
                    directory=str(directory),
                    owner_pid=owner,
                    options=options,
                    account=ACCOUNT,
                    name=f"node{number}",
                    group_port=group,
                    path=programs.path,
                )
            )
        self.nodes[0].found(programs)
        for node in self.nodes[1:]:
            node.forget()
            node.start()
        self.wait_for(NODES)


def give_to_account(path: Path) -> None:
    """Let the account that the nodes run as own this, where it is another than ours."""
    if os.geteuid() == 0:
        entry = pwd.getpwnam(ACCOUNT)
        os.chown(path, entry.pw_uid, entry.pw_gid)
