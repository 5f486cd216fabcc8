"""A service's keys as others see them: it publishes sets, rotates, and lies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2

from app.audit.restore.custody import sign_statement
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.signing import LocalSigner
from app.kernel.tokens import LEASE_TYPE
from app.keys.model import KeySet, PublishedKey, Root
from app.sdk.agent.client import AgentClient
from app.sdk.agent.pairing import pair
from app.sdk.keys import KEY_SET
from tests.agent_simulator import LeaseOffice
from tests.agents.test_client import BASE, Service, streamed
from tests.fakes import FakeClock

Handler = Callable[[httpx2.Request], httpx2.Response]
LIFE = timedelta(days=90)


@dataclass
class Owner:
    """Whoever can sign for a root: names and keys, all of whom sign."""

    names: tuple[str, ...] = ("root.habeas.example",)
    signers: tuple[LocalSigner, ...] = ()

    def __post_init__(self) -> None:
        self.signers = self.signers or tuple(LocalSigner.generate() for _ in self.names)

    def root(self, version: int = 1, threshold: int | None = None) -> Root:
        keys = zip(self.names, self.signers, strict=True)
        vkeys = tuple(VerifierKey(name, signer.public) for name, signer in keys)
        return Root(version, vkeys, threshold or len(vkeys))

    def sign(self, text: bytes) -> bytes:
        for name, signer in zip(self.names, self.signers, strict=True):
            text = sign_statement(text, name, signer).encode()
        return text


@dataclass
class KeyOffice:
    """Publishes key sets over a simulated service; ``newest`` and ``roots`` are what it shows."""

    clock: FakeClock
    owner: Owner = field(default_factory=Owner)

    def __post_init__(self) -> None:
        self.leases = LeaseOffice(self.clock)
        self.service = Service(self.leases)
        first = PublishedKey(LEASE_TYPE, self.leases.signer.public)
        self.current = KeySet(BASE, 1, self.clock.now() + LIFE, self.owner.root(), (first,))
        self.newest = self.owner.sign(self.current.text.encode())
        self.roots = {1: self.newest}
        self.asked: list[str] = []
        self.lie: Handler | None = None
        self.service.lies[KEY_SET] = self._show
        self.claims: dict[str, object] = {"iss": BASE}
        self.service.lies["/v1/agent/lease"] = lambda asked: self.service.lease(
            asked, **self.claims
        )

    def publish(self, after: KeySet | None = None, *, by: Owner | None = None) -> bytes:
        """The next version comes into force: this one, or the same for longer."""
        now = self.clock.now()
        after = after or replace(self.current, version=self.current.version + 1, expires=now + LIFE)
        self.newest = (by or self.owner).sign(after.text.encode())
        self.current = after
        return self.newest

    def rotate(self, *, revoke: bool = False) -> None:
        """Leases are signed by another key from now on, and the set says so."""
        self.leases.signer = LocalSigner.generate()
        now = self.clock.now()
        keys = tuple(
            replace(key, ends=key.ends or now, revoked=revoke) for key in self.current.keys
        )
        new = PublishedKey(LEASE_TYPE, self.leases.signer.public, now)
        version = self.current.version + 1
        self.publish(replace(self.current, version=version, expires=now + LIFE, keys=(*keys, new)))

    def turn_root(self, to: Owner | None = None) -> None:
        """Another root, whose first set the old root has signed, too."""
        before, self.owner = self.owner, to or Owner()
        root = self.owner.root(self.current.root.version + 1)
        after = replace(self.current, version=self.current.version + 1, root=root)
        self.newest = before.sign(self.owner.sign(after.text.encode()))
        self.current, self.roots[root.version] = after, self.newest

    def _show(self, asked: httpx2.Request) -> httpx2.Response:
        self.asked.append(asked.url.path)
        if self.lie is not None:
            return self.lie(asked)
        version = asked.url.path.removeprefix(KEY_SET).removeprefix("/")
        note = self.roots.get(int(version)) if version else self.newest
        if note is None:
            return httpx2.Response(404)
        return httpx2.Response(200, content=note, headers={"Content-Type": "text/plain"})

    @contextmanager
    def wire(self) -> Iterator[httpx2.Client]:
        with httpx2.Client(transport=httpx2.MockTransport(self.service)) as made:
            yield made


@dataclass
class Laptop:
    """A paired laptop that polls the office."""

    folder: Path
    office: KeyOffice
    http: httpx2.Client

    def pair(self) -> None:
        for _ in pair(
            BASE,
            self.folder,
            "laptop",
            http=self.http,
            clock=self.office.clock,
            sleep=lambda _: None,
        ):
            pass
        self.restart()

    def restart(self) -> None:
        """Only the folder is left."""
        clock = self.office.clock
        self.agent = AgentClient.open(
            self.folder, http=self.http, clock=clock, elapsed=clock.elapsed
        )

    def poll(self) -> object:
        """Poll; why capture is off, or None."""
        return self.agent.poll().reason

    @property
    def version(self) -> int:
        """Of the set that is on disk."""
        from app.sdk.keys import kept_key_set

        kept = kept_key_set(self.folder)
        return 0 if kept is None else kept.version


def answer(content: bytes, media_type: str = "text/plain") -> Handler:
    return lambda _: streamed(
        httpx2.Response(200, content=content, headers={"Content-Type": media_type})
    )
