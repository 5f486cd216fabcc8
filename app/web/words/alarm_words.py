"""What an alarm is about, what is wrong, and what helps, in words; people appear by pseudonym."""

from collections.abc import Mapping
from typing import NamedTuple

from app.db.ring import Flaw
from app.reconcile.difference import FLAWS


class About(NamedTuple):
    """What does not agree with the log: in words, and the pseudonym or id that belongs to it."""

    words: str
    named: str


_WAITING = "What waits for its place in the log"
_WORDS: Mapping[str, str] = {
    "consent": "What a person decided",
    "notice": "A notice, and since when it is in force",
    "shown": "What a person was shown",
    "person": "What the directory has of a person",
    "subject": "Whom a pseudonym stands for",
    "session": "A session of somebody signed in",
    "device": "A laptop",
    "lease": "What a laptop was told last",
    "pairing": "A pairing of a laptop",
    "token": "A laptop's token",
    "policy": "A company policy",
    "floor": "A floor",
    "change": "A change of policy",
    "stop": "Stops and resumes",
    "catalogue": "The app catalogue",
    "list": "A list that is in force",
    "consumer": "A consumer",
    "use": "A grant and its use",
    "document": "A document",
    "log": "The log itself",
    "table": "A table",
}

_COPY = "Put the row back from a copy of the database."
_PAIR = "Revoke the laptop and pair it again."
_DECIDE = (
    "The person says no or stop, which always works, and decides anew after the alarm is cleared."
)
_STEPS: Mapping[str, str] = {
    "consent": _DECIDE,
    "shown": _DECIDE,
    "person": "Import the person's line again.",
    "session": "Delete the row; the person signs in again.",
    "device": _PAIR,
    "lease": _PAIR,
    "pairing": "Delete the row; the pairing is begun anew.",
    "token": "Delete the row; the laptop asks for another token by itself.",
    "consumer": "Register the consumer again.",
    "log": "Restore the newest sound copy of the database.",
}


def about(chain: str) -> About:
    """Say what a chain is about.

    >>> about("stop:DE"), about("catalogue")
    (About(words='Stops and resumes', named='DE'), About(words='The app catalogue', named=''))
    """
    if chain == "log:pending":
        return About(_WAITING, "")
    kind, _, name = chain.partition(":")
    return About(_WORDS.get(kind, kind), name)


def flaw_in_words(why: Flaw) -> str:
    """Say what is wrong.

    >>> flaw_in_words(Flaw.BEHIND)
    'A row is missing, but an entry recorded it.'
    """
    return f"{'The log' if why is Flaw.LOG else 'A row'} {FLAWS[why]}."


def step_for(chain: str) -> str:
    """Say what helps, as docs/operate.md does (When tables and log disagree).

    >>> step_for("device:d_1"), step_for("log:pending")
    ('Revoke the laptop and pair it again.', 'Delete the row: it never gets a place in the log.')
    """
    if chain == "log:pending":
        return "Delete the row: it never gets a place in the log."
    return _STEPS.get(chain.partition(":")[0], _COPY)
