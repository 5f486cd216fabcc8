"""The service as it is run: one process over SQLite, two over PostgreSQL with its roles."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine

from app.demo.server import free_port
from app.settings import Settings
from tests import postgresql
from tests.roles import Estate, dropping_roles, new_prefix

HABEAS = Path(sys.executable).with_name("habeas")
PROCESSES = {"sqlite": 1, "postgresql": 2}
STARTS_S = 60
ISSUER = "https://idp.example"


@dataclass(frozen=True)
class Place:
    """Where an instance lives.

    Attributes:
        ports: one for each of its processes.
        said: what its processes are started with.
    """

    folder: Path
    ports: Sequence[int]
    said: Mapping[str, str]

    @property
    def settings(self) -> Settings:
        """For this program, which prepares it."""
        fields = {name.removeprefix("HABEAS_").lower(): said for name, said in self.said.items()}
        return Settings(**fields)  # type: ignore[arg-type]

    @property
    def environment(self) -> dict[str, str]:
        """For its processes and for verbs next to them."""
        return {**os.environ, **self.said}


@contextmanager
def server(kind: str) -> Iterator[str]:
    """A PostgreSQL that waits for the disk, unlike the tests'; nothing for SQLite."""
    if kind == "sqlite":
        yield ""
        return
    with postgresql.server() as url:
        admin = create_engine(url.format(db="postgres"), isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql("ALTER SYSTEM RESET ALL")
            connection.exec_driver_sql("SELECT pg_reload_conf()")
        admin.dispose()
        yield url


@contextmanager
def place(kind: str, server: str, folder: Path, habeas: Path = HABEAS) -> Iterator[Place]:
    """An instance without anything in it; on PostgreSQL with the documented roles.

    Args:
        kind: of database.
        server: of PostgreSQL.
        folder: an empty one.
        habeas: the program that makes the roles and the tables.
    """
    ports = [free_port() for _ in range(PROCESSES[kind])]
    said = {
        "HABEAS_VAR": str(folder / "var"),
        "HABEAS_BASE_URL": f"http://127.0.0.1:{ports[0]}",
        "HABEAS_OIDC_ISSUER": ISSUER,
    }
    if kind == "sqlite":
        yield Place(folder, ports, said)
        return
    name, prefix = f"lanes_{ports[0]}", new_prefix()
    owner = server.format(db=name)
    postgresql.copy_database(server, name, None)
    with dropping_roles(server, prefix):
        for verb in ("roles", "upgrade"):
            command = [habeas, "database", verb, "--admin-url", owner, "--prefix", prefix]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        roles = Estate(owner, prefix)
        said["HABEAS_DATABASE_URL"] = roles.as_role("app")
        said["HABEAS_INTEGRATOR_URL"] = roles.as_role("integrator")
        try:
            yield Place(folder, ports, said)
        finally:
            postgresql.drop_database(server, name)


@contextmanager
def serving(place: Place) -> Iterator[Callable[[], float]]:
    """Run the processes until the block ends; yield what says how long they have computed."""
    with ExitStack() as running:
        ids = [running.enter_context(_process(place, port)).pid for port in place.ports]
        yield lambda: sum(_computed_s(one) for one in ids)


def _computed_s(process: int) -> float:
    """How long a process has computed, seconds; 0 where the system does not say (proc(5))."""
    said = Path(f"/proc/{process}/stat")
    if not said.exists():
        return 0.0
    fields = said.read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _process(place: Place, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(HABEAS), "serve", "--port", str(port)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=place.environment, cwd=place.folder, stdout=said, stderr=said
        )
        try:
            _await(port, process)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            said.seek(0)
            sys.stderr.write(said.read().decode()[-4000:])


def _await(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + STARTS_S
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("the service did not start")


def import_of(place: Place, file: Path, habeas: Path = HABEAS) -> subprocess.Popen[bytes]:
    """Start ``habeas people import``."""
    command = [str(habeas), "people", "import", str(file)]
    return subprocess.Popen(
        command,
        env=place.environment,
        cwd=place.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
