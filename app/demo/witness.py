"""A sample witness on this machine, as a works council would run one on a machine of its own."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.demo.server import free_port, listening
from app.witness.http import witness_app
from app.witness.service import Witness, open_witness

NAME = "works-council"
POLICY = "policy.txt"

_PORT = re.compile(r"http://127\.0\.0\.1:([0-9]+)$", re.MULTILINE)


@dataclass(frozen=True)
class SampleWitness:
    """The witness while it runs; ``policy``: the file that names it."""

    witness: Witness
    url: str
    policy: Path

    def trust(self, vkey: str, url: str) -> None:
        """Let it watch a log; it watches it already after the first time."""
        self.witness.trust(vkey, url)


@contextmanager
def sample_witness(folder: Path) -> Iterator[SampleWitness]:
    """Serve the witness of a folder, made at first run, and write the policy that asks for it.

    It listens where it did last time, if nobody else does now: another address is another policy,
    whose adoption is an entry of the log.
    """
    witness = open_witness(folder, NAME)
    policy = folder / POLICY
    port = _port_of_last_time(policy)
    url = f"http://127.0.0.1:{port}"
    text = f"witness {NAME} {witness.vkey} {url}\nquorum {NAME}\n"
    if not policy.exists() or policy.read_text(encoding="utf-8") != text:
        policy.write_text(text, encoding="utf-8")
    try:
        with listening(witness_app(witness), port):
            yield SampleWitness(witness, url, policy)
    finally:
        witness.database.engine.dispose()


def _port_of_last_time(policy: Path) -> int:
    match = _PORT.search(policy.read_text(encoding="utf-8")) if policy.exists() else None
    if match is None:
        return free_port()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(match[1])))
        except OSError:
            return free_port()
    return int(match[1])
