"""Every key that an instance holds or publishes: its state, its age, what to do next (pure).

Rules:
1. Nothing here has seen a private key: rows are made of public keys, ids and instants.
2. Each key of the set in force stands once. Of one type of token one key signs now, or none where
   the last has ended.
3. What is to be done, and from when on, is decided here. Page, health and command line say it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.audit.tree.checkpoint import NamedKey, VerifierKey
from app.kernel.signing import thumbprint
from app.kernel.tokens import TYPE_OF
from app.keys.model import MOST_BYTES, KeySet, PublishedKey

ROOT, CUSTODIAN = "root", "custodian"
LOG, VAULT, SIGN_IN = "log", "vault", "sign-in"
WITNESS, CONSUMER = "witness", "consumer"

OLD = timedelta(days=365)
"""A key that has been in use for so long is to be rotated."""
AHEAD = timedelta(days=60)
"""So long before it expires a set is to be signed anew by people."""
GRACE = timedelta(days=1)
"""So long after its time a set that renews itself is missed."""
ROOM = 0.5
"""A set that fills more than so much of the largest that anybody reads is warned of."""


class KeyState(StrEnum):
    """What a key does now, in the order in which the keys of one use are told."""

    SIGNS = "signs"
    WAITS = "waits"
    IN_USE = "in_use"
    UNNAMED = "unnamed"
    VERIFIES = "verifies"
    REVOKED = "revoked"


class SetState(StrEnum):
    """How the key set in force stands."""

    IN_FORCE = "in_force"
    EXPIRED = "expired"
    DISPUTED = "disputed"
    NONE = "none"


class Todo(StrEnum):
    """What is to be done next about a key or about the set."""

    ALARM = "alarm"
    START = "start"
    RENEW = "renew"
    SIGN = "sign"
    ADDRESS = "address"
    FOLLOW = "follow"
    PUT_BACK = "put_back"
    ROTATE = "rotate"
    HAND_OVER = "hand_over"
    SPARE = "spare"
    NAME = "name"


URGENT = frozenset(
    {Todo.ALARM, Todo.START, Todo.RENEW, Todo.SIGN, Todo.ADDRESS, Todo.FOLLOW, Todo.PUT_BACK}
)
"""What turns capture off, or will, if nobody does it."""


@dataclass(frozen=True)
class ConsumerKey:
    """The newest secret of a consumer; the secret itself is nowhere.

    Attributes:
        id: the consumer's.
        name: for people.
        since: when it was registered.
        overlap_until: until when the secret before opens, too.
    """

    id: str
    name: str
    since: datetime
    overlap_until: datetime | None = None


@dataclass(frozen=True)
class Holdings:
    """What an instance holds and publishes.

    Attributes:
        issuer: the address of this instance.
        began: when the log began; None where that is not known yet.
        key_set: the set by which this process signs; None before the first.
        in_force_since: when the set came into force; None: not recorded.
        agrees: whether the row of the set agrees with the log.
        renews: when this machine signs the set anew by itself; None: others have to sign it.
        since: when each public key was first named in what is in force.
        here: public halves of the key files that are here, the oldest first, by name.
        log: the key of checkpoints.
        vault: id of the key of seals that is derived from the vault's key.
        witnesses, custodians: those that the settings name.
        consumers: those that are registered.
    """

    issuer: str
    began: datetime | None
    key_set: KeySet | None
    in_force_since: datetime | None
    agrees: bool
    renews: datetime | None
    since: Mapping[bytes, datetime]
    here: Mapping[str, Sequence[bytes]]
    log: VerifierKey
    vault: str
    witnesses: Sequence[NamedKey] = ()
    custodians: Sequence[VerifierKey] = ()
    consumers: Sequence[ConsumerKey] = ()


@dataclass(frozen=True)
class KeyRow:
    """One key.

    Attributes:
        use: what it is for: a name of ``TYPE_OF``, or one of those above.
        id: its thumbprint, verifier key or name; never secret.
        name: of whoever holds it; empty for keys of this machine.
        state: what it does now.
        since: since when it is in use, or from when it will be; None: not recorded.
        ends: when it stops; None: that is not known yet.
        todo: what is to be done next; None: nothing.
        due: from when on; None: now.
    """

    use: str
    id: str
    state: KeyState
    name: str = ""
    since: datetime | None = None
    ends: datetime | None = None
    todo: Todo | None = None
    due: datetime | None = None

    def age(self, now: datetime) -> timedelta | None:
        """For how long it is in use; None where that is not known, or has not begun."""
        return None if self.since is None or self.since > now else now - self.since


@dataclass(frozen=True)
class SetRow:
    """The key set in force.

    Attributes:
        state: how it stands.
        version: 0 where there is none.
        root_version, threshold, roots: which root signs it, how many must, of how many keys.
        since: when it came into force; None: not recorded.
        ends: when it expires.
        renews: when this machine signs it anew by itself; None: others have to sign it.
        todo, due: as of a key.
        filled: how much of the largest set that anybody reads it fills, 0 to 1.
    """

    state: SetState = SetState.NONE
    version: int = 0
    root_version: int = 0
    threshold: int = 0
    roots: int = 0
    since: datetime | None = None
    ends: datetime | None = None
    renews: datetime | None = None
    todo: Todo | None = Todo.START
    due: datetime | None = None
    filled: float = 0.0


@dataclass(frozen=True)
class Listing:
    """The key set in force, and every key."""

    key_set: SetRow = field(default_factory=SetRow)
    keys: tuple[KeyRow, ...] = ()

    def due(self, now: datetime) -> tuple[SetRow | KeyRow, ...]:
        """All about which something is to be done now, what is urgent first."""
        rows: tuple[SetRow | KeyRow, ...] = (self.key_set, *self.keys)
        return tuple(sorted((row for row in rows if is_due(row, now)), key=_urgency))

    def urgent(self, now: datetime) -> tuple[SetRow | KeyRow, ...]:
        """All that turns capture off, or will, if nothing is done."""
        return tuple(row for row in self.due(now) if row.todo in URGENT)


def is_due(row: SetRow | KeyRow, now: datetime) -> bool:
    """Whether something is to be done about it now."""
    return row.todo is not None and (row.due is None or row.due <= now)


def _urgency(row: SetRow | KeyRow) -> bool:
    return row.todo not in URGENT


def listed(of: Holdings, now: datetime) -> Listing:
    """List every key, with the set that publishes them.

    Args:
        of: what is held and published.
        now: the present instant.

    >>> from app.kernel.clock import instant
    >>> from app.keys.model import Root
    >>> from app.kernel.signing import LocalSigner
    >>> log, root, lease = (LocalSigner.from_seed(bytes([n]) * 32).public for n in (1, 2, 3))
    >>> at = instant("2026-11-28T00:00:00Z")
    >>> key_set = KeySet(
    ...     "https://h.example", 1, at + timedelta(days=90), Root(1, (VerifierKey("r", root),), 1),
    ...     (PublishedKey("habeas-lease+jwt", lease),),
    ... )
    >>> made = listed(Holdings(
    ...     "https://h.example", at, key_set, at, True, at + timedelta(days=45), {lease: at},
    ...     {"lease": [lease], "root": [root]}, VerifierKey("log.example", log), "d0d0c4fb",
    ... ), at + timedelta(days=400))
    >>> [(row.use, row.state.value, row.todo and row.todo.value) for row in made.keys][:2]
    [('root', 'signs', None), ('lease', 'signs', 'rotate')]
    >>> made.key_set.state, made.key_set.todo
    (<SetState.EXPIRED: 'expired'>, <Todo.RENEW: 'renew'>)
    """
    keys = (
        *_signers_of_sets(of),
        *(row for name in TYPE_OF for row in _of_tokens(of, name, now)),
        KeyRow(LOG, of.log.vkey, KeyState.SIGNS, since=of.began),
        KeyRow(VAULT, of.vault, KeyState.IN_USE, since=of.began),
        KeyRow(SIGN_IN, f"{SIGN_IN}.key", KeyState.IN_USE),
        *(_witness(of, key) for key in of.witnesses),
        *(row for consumer in of.consumers for row in _consumer(consumer, now)),
    )
    return Listing(_set(of, now), keys)


def _set(of: Holdings, now: datetime) -> SetRow:
    held = of.key_set
    if held is None:
        return SetRow() if of.agrees else SetRow(SetState.DISPUTED, todo=Todo.ALARM)
    expired = SetState.EXPIRED if now >= held.expires else SetState.IN_FORCE
    todo, due = _next_of_set(of, held, now)
    return SetRow(
        expired if of.agrees else SetState.DISPUTED,
        held.version,
        held.root.version,
        held.root.threshold,
        len(held.root.keys),
        of.in_force_since,
        held.expires,
        of.renews,
        todo,
        due,
        held.bytes_signed / MOST_BYTES,
    )


def _next_of_set(of: Holdings, held: KeySet, now: datetime) -> tuple[Todo | None, datetime | None]:
    custodians = {key.public for key in of.custodians}
    hand_over = custodians and custodians != {key.public for key in held.root.keys}
    if not of.agrees:
        return Todo.ALARM, None
    if of.renews is not None and now >= min(of.renews + GRACE, held.expires):
        return Todo.RENEW, None
    if of.renews is None and now >= held.expires - AHEAD:
        return Todo.SIGN, held.expires - AHEAD
    if held.issuer != of.issuer:
        return Todo.ADDRESS, None
    full = held.bytes_signed > ROOM * MOST_BYTES
    if full or hand_over:
        return Todo.SPARE if full else Todo.HAND_OVER, None
    return (Todo.SIGN, held.expires - AHEAD) if of.renews is None else (None, None)


def _signers_of_sets(of: Holdings) -> Iterator[KeyRow]:
    """The root's keys, custodians who are not among them, and root files that it does not name."""
    roots = () if of.key_set is None else of.key_set.root.keys
    named = {key.public for key in of.custodians}
    for key in roots:
        use = CUSTODIAN if key.public in named else ROOT
        since = of.since.get(key.public)
        yield KeyRow(use, key.vkey, KeyState.SIGNS, key.name, since)
    known = {key.public for key in roots}
    for key in of.custodians:
        if key.public not in known:
            since = of.since.get(key.public)
            yield KeyRow(CUSTODIAN, key.vkey, KeyState.IN_USE, key.name, since)
    for public in of.here.get(ROOT, ()):
        if public not in known | named:
            yield KeyRow(ROOT, thumbprint(public), KeyState.UNNAMED)


def _of_tokens(of: Holdings, name: str, now: datetime) -> list[KeyRow]:
    """The keys of one type of token, the one that signs now first."""
    here, typ = of.here.get(name, ()), TYPE_OF[name]
    if of.key_set is None:
        keys = tuple(PublishedKey(typ, public) for public in here)
        used = keys[-1] if keys else None
    else:
        keys, used = of.key_set.of(typ), of.key_set.in_use(typ, now)
    rows = [_token(of, name, key, _state(key, used, now)) for key in reversed(keys)]
    if rows and used is None:
        rows[0] = replace(rows[0], todo=Todo.FOLLOW, due=None)
    rows += _unnamed(name, here, {key.public for key in keys})
    order = list(KeyState)
    return sorted(rows, key=lambda row: order.index(row.state))


def _unnamed(name: str, here: Sequence[bytes], known: Collection[bytes]) -> Iterator[KeyRow]:
    """Files that the set does not name: one before a key that it names has left, for good."""
    last = max((at for at, public in enumerate(here) if public in known), default=-1)
    for at, public in enumerate(here):
        if public not in known:
            todo = Todo.NAME if at > last else None
            yield KeyRow(name, thumbprint(public), KeyState.UNNAMED, todo=todo)


def _state(key: PublishedKey, used: PublishedKey | None, now: datetime) -> KeyState:
    if key.revoked:
        return KeyState.REVOKED
    if key == used:
        return KeyState.SIGNS
    waits = key.begins is not None and key.begins > now
    return KeyState.WAITS if waits else KeyState.VERIFIES


def _token(of: Holdings, name: str, key: PublishedKey, state: KeyState) -> KeyRow:
    since = key.begins or of.since.get(key.public)
    todo, due = _next_of_token(of, name, key, state, since)
    return KeyRow(name, key.kid, state, since=since, ends=key.ends, todo=todo, due=due)


def _next_of_token(
    of: Holdings, name: str, key: PublishedKey, state: KeyState, since: datetime | None
) -> tuple[Todo | None, datetime | None]:
    """What is to be done about a key that signs, or will."""
    if state not in {KeyState.SIGNS, KeyState.WAITS}:
        return None, None
    if key.public not in of.here.get(name, ()):
        return Todo.PUT_BACK, None
    if key.ends is not None and state is KeyState.SIGNS:
        follower = of.key_set.in_use(key.typ, key.ends) if of.key_set else None
        return (Todo.FOLLOW, None) if follower is None else (None, None)
    return (None, None) if since is None else (Todo.ROTATE, since + OLD)


def _witness(of: Holdings, key: NamedKey) -> KeyRow:
    since = of.since.get(key.public)
    todo, due = (None, None) if since is None else (Todo.ROTATE, since + OLD)
    return KeyRow(WITNESS, key.vkey, KeyState.IN_USE, key.name, since, todo=todo, due=due)


def _consumer(consumer: ConsumerKey, now: datetime) -> Iterator[KeyRow]:
    """Its newest secret, and the one before while that opens, too."""
    id, name, until = consumer.id, consumer.name, consumer.overlap_until  # noqa: A001
    due = consumer.since + OLD
    since = consumer.since
    yield KeyRow(CONSUMER, id, KeyState.IN_USE, name, since, todo=Todo.ROTATE, due=due)
    if until is not None and now < until:
        yield KeyRow(CONSUMER, id, KeyState.VERIFIES, name, ends=until)
