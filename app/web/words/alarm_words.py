"""What an alarm is about, in words; a chain names nobody, people appear by their pseudonym."""

from collections.abc import Mapping
from typing import NamedTuple

from app.kernel.shapes import PSEUDONYM, fits


class About(NamedTuple):
    """What does not agree with the log: in words, and the pseudonym or id that belongs to it."""

    words: str
    named: str


_WORDS: Mapping[str, str] = {
    "consent": "What a person decided",
    "shown": "What a person was shown",
    "person": "What the directory has of a person",
    "subject": "Whom a pseudonym stands for",
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


def about(chain: str) -> About:
    """Say what a chain is about.

    >>> about("stop:DE"), about("catalogue")
    (About(words='Stops and resumes', named='DE'), About(words='The app catalogue', named=''))
    """
    kind, _, name = chain.partition(":")
    return About(_WORDS.get(kind, kind), name)


def is_person(named: str) -> bool:
    """Whether that is somebody's pseudonym."""
    return fits(PSEUDONYM, named)
