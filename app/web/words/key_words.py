"""Keys in words: what each is for, what it does now, what to do next (pure).

Page, health and command line say the same, from what ``keys.listing`` decides.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from app.kernel.tokens import LONGEST_LIFE, TYPE_OF
from app.keys.following import ON_THE_WAY
from app.keys.listing import KeyRow, KeyState, Listing, SetRow, SetState, Todo, is_due
from app.web.words.policy_words import counted, listed

USES: Mapping[str, str] = {
    "root": "Key sets",
    "custodian": "Custodian",
    "lease": "Leases",
    "receipt": "Receipts of decisions",
    "grant": "Grants",
    "submission": "Promises of a place in the log",
    "erasure": "Records of erasures",
    "log": "Checkpoints of the log",
    "vault": "Personal detail and seals of rows",
    "sign-in": "Sign-in",
    "witness": "Witness",
    "consumer": "Consumer",
}
"""What a key is for, or whose it is."""

_STATES: Mapping[KeyState, str] = {
    KeyState.SIGNS: "signs now",
    KeyState.IN_USE: "in use",
    KeyState.UNNAMED: "file here that no set names",
    KeyState.VERIFIES: "verifies only",
    KeyState.REVOKED: "revoked",
}

_SET_STATES: Mapping[SetState, str] = {
    SetState.IN_FORCE: "in force",
    SetState.EXPIRED: "expired",
    SetState.DISPUTED: "does not agree with the log",
    SetState.NONE: "none yet",
}

_ELSEWHERE: Mapping[str, str] = {
    "log": "Not rotated by a command: see the guide for operators, Keys.",
    "vault": "Not rotated by a command: see the guide for operators, Keys.",
    "sign-in": "Nothing. If it is lost, people sign in again.",
    "custodian": "Nothing. To replace one, change the list in HABEAS_CUSTODIANS.",
}
"""What there is to know of keys that no command rotates."""

_SENTENCES: Mapping[Todo, str] = {
    Todo.ALARM: "What the database holds does not agree with the log. See the page Alarms.",
    Todo.START: "Start the service once: it publishes the first.",
    Todo.ADDRESS: "It names another address than that of this instance. Publish it anew:",
    Todo.HAND_OVER: "The custodians of HABEAS_CUSTODIANS are not its root. Let them be:",
    Todo.PUT_BACK: "Its file is missing or is no key. Put it back: without it no process starts.",
    Todo.NAME: "It signs nothing. Publish the set that names it, or leave it.",
}

_OF_SETS: Mapping[Todo, str] = {
    Todo.SIGN: "habeas keys publish",
    Todo.ADDRESS: "habeas keys publish",
    Todo.HAND_OVER: "habeas keys publish --custodians",
}


class Next(NamedTuple):
    """What to do next: a sentence, and the command that does it; empty where none does."""

    words: str
    command: str = ""


def day(at: datetime) -> str:
    """A day in UTC: ``28 Nov 2026``."""
    return f"{at.day} {at:%b %Y}"


def state_in_words(row: KeyRow | SetRow) -> str:
    """What a key does now, or how the set stands.

    >>> state_in_words(KeyRow("lease", "an-id", KeyState.SIGNS)), state_in_words(SetRow())
    ('signs now', 'none yet')
    """
    if isinstance(row, SetRow):
        return _SET_STATES[row.state]
    if row.use == "consumer":
        return "opens now, too" if row.ends else "opens now"
    if row.state is KeyState.WAITS and row.since is not None:
        return f"signs from {day(row.since)}, {row.since:%H:%M} UTC"
    if row.use == "root" and row.state is KeyState.UNNAMED:
        return "file here, signs no set any more"
    return _STATES[row.state]


def age_in_words(row: KeyRow, now: datetime) -> str:
    """How old a key is; empty where that is not known, or has not begun.

    >>> at = datetime(2026, 11, 28)
    >>> age_in_words(KeyRow("log", "an-id", KeyState.SIGNS, since=at), at + timedelta(days=2))
    '2 days'
    """
    age = row.age(now)
    if age is None:
        return ""
    return counted(age.days, "day") if age.days else "less than a day"


def set_in_words(held: SetRow) -> str:
    """How the key set stands, in a sentence.

    >>> set_in_words(SetRow(SetState.IN_FORCE, 3, ends=datetime(2027, 2, 26)))
    'Key set 3 is believed until 26 Feb 2027.'
    """
    name = f"Key set {held.version}" if held.version else "The key set"
    match held.state:
        case SetState.NONE:
            return "No key set is in force yet."
        case SetState.IN_FORCE if held.ends is not None:
            return f"{name} is believed until {day(held.ends)}."
        case SetState.EXPIRED if held.ends is not None:
            return f"{name} expired on {day(held.ends)}."
        case _:
            return f"{name} does not agree with the log."


def root_in_words(held: SetRow) -> str:
    """Who signs key sets.

    >>> root_in_words(SetRow(root_version=2, threshold=2, roots=3))
    'Root 2, 3 keys, of which 2 must sign'
    """
    if held.renews is not None:
        return f"Root {held.root_version}, the file root.key of this machine"
    keys = counted(held.roots, "key")
    return f"Root {held.root_version}, {keys}, of which {held.threshold} must sign"


def next_in_words(row: KeyRow | SetRow, now: datetime) -> Next:
    """What to do next about a key or the set, and by when."""
    if row.todo is None:
        return Next(_nothing(row))
    if row.due is not None and not is_due(row, now):
        return Next(f"Nothing before {day(row.due)}.")
    if isinstance(row, SetRow):
        return Next(_of_set(row, row.todo), _OF_SETS.get(row.todo, ""))
    return _of_key(row, row.todo, now)


def headline(listing: Listing, now: datetime) -> str:
    """All keys in one sentence.

    >>> headline(Listing(), datetime(2026, 11, 28))
    'Look at the key set.'
    """
    if urgent := listing.urgent(now):
        return f"Look at {listed(list(dict.fromkeys(map(subject, urgent))))}."
    if listing.due(now):
        return "The keys work."
    return "The keys are in order."


def urgent_in_words(row: KeyRow | SetRow, now: datetime) -> str:
    """What has to be done, in one line: ``The key for leases: None signs now. Rotate it: …``."""
    todo, about = next_in_words(row, now), subject(row)
    said = f"{todo.words} {todo.command}".strip()
    return said if isinstance(row, SetRow) else f"{about[:1].upper()}{about[1:]}: {said}"


def subject(row: KeyRow | SetRow) -> str:
    """A key or the set as a noun."""
    if isinstance(row, SetRow):
        return "the key set"
    use = USES[row.use]
    return f"the key for {use[:1].lower()}{use[1:]}"


def _nothing(row: KeyRow | SetRow) -> str:
    if isinstance(row, SetRow):
        itself = "" if row.renews is None else f" It is signed anew by itself on {day(row.renews)}."
        return f"Nothing.{itself}"
    if row.state is KeyState.UNNAMED and row.use != "root":
        return "Nothing. It has left the set and signs nothing any more."
    if row.state is KeyState.VERIFIES:
        return "Nothing. What it signed is verified with it."
    if row.state is KeyState.REVOKED:
        return "Nothing. What it signed is believed no more."
    if row.ends is not None:
        return f"Nothing. The next one follows on {day(row.ends)}."
    return _ELSEWHERE.get(row.use, "Nothing.")


def _of_set(row: SetRow, todo: Todo) -> str:
    expired = row.state is SetState.EXPIRED
    until = "Laptops capture nothing until"
    match todo:
        case Todo.RENEW:
            look = "See whether the service runs; it signs the set anew by itself."
            return f"{until} the next is in force. {look}" if expired else f"It is late. {look}"
        case Todo.SIGN if not expired and row.ends is not None:
            return f"Have it signed anew before {day(row.ends)}:"
        case Todo.SIGN:
            return f"{until} it is signed anew. Have the root sign it:"
        case Todo.SPARE:
            return _spare(row)
        case _:
            return _SENTENCES[todo]


def _spare(row: SetRow) -> str:
    """What to do about a set that fills up."""
    leaving = listed([name for name, typ in TYPE_OF.items() if typ in LONGEST_LIFE])
    staying = listed([name for name, typ in TYPE_OF.items() if typ not in LONGEST_LIFE])
    return (
        f"It fills {row.filled:.0%} of the largest set that laptops read; once it is full no key "
        f"can be rotated. Keys for {leaving} leave with the next rotation, "
        f"{counted(ON_THE_WAY.days, 'day')} after they ended. Those for {staying} stay: rotate "
        "these once a year, or when somebody else may have them."
    )


def _of_key(row: KeyRow, todo: Todo, now: datetime) -> Next:
    command = f"habeas keys rotate {row.use}"
    match todo:
        case Todo.FOLLOW if row.ends is not None and row.ends > now:
            return Next(f"It ends on {day(row.ends)}, and no key follows. Rotate it:", command)
        case Todo.FOLLOW:
            return Next("No key signs now. Rotate it:", command)
        case Todo.ROTATE if row.use == "consumer":
            command = f"{command} --id {row.id} --by PERSON"
            return Next("It is a year old. Rotate it:", command)
        case Todo.ROTATE if row.use == "witness":
            return Next("It is a year old. Whoever runs the witness rotates it:", command)
        case Todo.ROTATE:
            return Next("It is a year old. Rotate it:", command)
        case _:
            return Next(_SENTENCES[todo])
