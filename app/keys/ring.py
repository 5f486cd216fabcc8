"""The private keys that this process signs with: which one now, as the key set in force says.

Rules:
1. What is signed with is what is published: the key set in force says which key signs at an
   instant. A key whose file is there and which no set names signs nothing.
2. The first set is made of what is in the folder. Before it there is one key of each name.
3. A process whose folder lacks the key that signs now, or one that will, is refused: it would sign
   with another key than the one that is published. Only what lists and rotates keys goes on without
   it, and lets another one follow.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass, field

from app.kernel.clock import Clock
from app.kernel.errors import Unavailable
from app.kernel.keys import KeyFolder
from app.kernel.signing import LocalSigner, thumbprint
from app.kernel.tokens import TYPE_OF
from app.keys.model import KeySet, PublishedKey, in_use
from app.keys.record import KeyTerm

_CURE = (
    "All processes of one instance share one HABEAS_VAR. Put the key back from its copy, or start "
    "with the folder that belongs to this database. If there is no copy: habeas keys rotate {name} "
    "--revoke."
)


@dataclass
class KeyRing:
    """The keys of one process.

    Attributes:
        folder: where the private keys are.
        clock: says which key it is the time of.
        in_force: the key set in force; None before the first, or where its text is not to be had.
        partly: then what the log's entry says of the keys that are here; None before the first set.
    """

    folder: KeyFolder
    clock: Clock
    in_force: KeySet | None = None
    partly: tuple[PublishedKey, ...] | None = None
    _held: dict[str, LocalSigner] = field(default_factory=dict, repr=False)

    def take(self, adopted: KeySet) -> None:
        """Sign by a set from here on.

        Raises:
            Unavailable: see ``require``; the set before goes on.
        """
        self.require(adopted)
        self.take_what_is_here(adopted)

    def take_what_is_here(self, adopted: KeySet) -> None:
        """Sign by a set as far as its keys are here; nothing is signed in place of the others."""
        for name in TYPE_OF:
            self._held |= {thumbprint(key.public): key for key in self.folder.held(name)}
        self.in_force = adopted

    def require(self, adopted: KeySet, before: KeySet | None = None) -> None:
        """Return if the folder has each key of a set that signs now or will.

        Args:
            adopted: the set.
            before: the set before it: what is missing of that one is not asked for again.

        Raises:
            Unavailable: one is missing (kind ``key-lost``), or there are others in its place
                (kind ``another-key``).
        """
        now = self.clock.now()
        known = set() if before is None else {key.public for key in before.keys}
        for name, typ in TYPE_OF.items():
            here = self._here(name)
            for key in adopted.of(typ):
                waits = key.begins is not None and key.begins > now and not key.revoked
                signs = waits or key == adopted.in_use(typ, now)
                if signs and key.public not in known and key.kid not in here:
                    raise _lacking(name, key.kid, here)

    @property
    def known(self) -> tuple[PublishedKey, ...] | None:
        """The keys that are published; None before the first set, none where nothing is known."""
        return self.partly if self.in_force is None else self.in_force.keys

    def take_terms(self, terms: Sequence[KeyTerm], revoked: Container[str] = ()) -> None:
        """Sign by what an entry says, as far as its keys are here: the text of the set is lost.

        Args:
            terms: what it says.
            revoked: ids of keys that were revoked after it.
        """
        held = {thumbprint(key.public): key for name in TYPE_OF for key in self.folder.held(name)}
        self._held |= held
        self.partly = tuple(
            PublishedKey(
                term.typ,
                held[term.kid].public,
                term.begins,
                term.ends,
                term.revoked or term.kid in revoked,
            )
            for term in terms
            if term.kid in held
        )

    def _here(self, name: str) -> list[str]:
        return [thumbprint(key.public) for key in self.folder.held(name)]

    def signer(self, name: str) -> "TurningSigner":
        """What signs with the key of a name, whichever that is at the time."""
        return TurningSigner(self, name)

    def held(self, name: str) -> LocalSigner:
        """The key of a name that signs now.

        Raises:
            Unavailable: none does.
        """
        known = self.known
        if not known:  # what is believed of nobody lets a no be receipted all the same
            there = self.folder.held(name)
            return there[-1] if there else self.folder.signer(name)
        key = in_use(known, TYPE_OF[name], self.clock.now())
        if key is None and self.in_force is None:
            # Of a restored copy whose set is in doubt the entry names none that signs.
            named = {each.public for each in known}
            unnamed = [each for each in self.folder.held(name) if each.public not in named]
            if unnamed:
                return unnamed[-1]
        if key is None:
            raise Unavailable(
                f"no key signs as {name} now: the last one has ended",
                cure=f"Make the next one: habeas keys rotate {name}.",
                kind="key-ended",
            )
        if key.kid not in self._held:
            raise _lacking(name, key.kid, self._here(name))
        return self._held[key.kid]


def _lacking(name: str, kid: str, here: Sequence[str]) -> Unavailable:
    if not here:
        problem = f"the database has begun, but the key file {name}.key is missing"
        return Unavailable(problem, cure=_CURE.format(name=name), kind="key-lost")
    return Unavailable(
        f"the {name} key in use is {kid}; this folder has {', '.join(here)}",
        cure=_CURE.format(name=name),
        kind="another-key",
    )


@dataclass(frozen=True)
class TurningSigner:
    """A signer whose key is another one after a rotation; see ``Signer.held``."""

    ring: KeyRing
    name: str

    def held(self) -> LocalSigner:
        """The key that signs now.

        Raises:
            Unavailable: none does.
        """
        return self.ring.held(self.name)

    @property
    def public(self) -> bytes:
        """The public key of the one that signs now."""
        return self.held().public

    def sign(self, message: bytes) -> bytes:
        """Sign with the one that signs now."""
        return self.held().sign(message)
