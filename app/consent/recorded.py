"""What entries of consent say about its rows (pure): see app/audit/entries/recorded.py.

Each ``consent.…`` entry recorded one decision of one person, each ``notice.shown`` one showing,
each ``notice.adopted`` one text and since when it is in force.
What every entry shows is all that ``standing`` folds; the receipt is not in it, for it names the
person.
"""

from collections.abc import Iterator, Mapping

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.consent.model import Act
from app.consent.offers import notice_chain
from app.kernel.canonical import Json, canonical

DECISION, SHOWING, NOTICE = "consent_decision", "notice_shown", "notice_text"
_TEXTS = {
    "signals": "signals",
    "purposes": "purposes",
    "apps": "apps",
    "decision_content": "content",
}
_NO_NOTICE = dict.fromkeys(("id", "version", "language", "digest"))
_SAME = ("seq", "region", "residence", "until", "valid_until", "recorded_at")
_NAMED = {"decision": "id", "shown": "shown_id", "offer": "offer_digest"}


def _decision(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    (pseudonym,) = leaf["subjects"]
    facts = leaf["facts"]
    fields: dict[str, Json] = {
        "person_id": pseudonym,
        "act": leaf["kind"].partition(".")[2],
        "decided_at": leaf["occurred_at"],
        "event_id": leaf["event"],
        **{name: facts[name] for name in _SAME if name in facts},
        **{column: facts[name] for name, column in _NAMED.items() if name in facts},
        **{column: _text(facts[name]) for name, column in _TEXTS.items() if name in facts},
    }
    if "notice" in facts:
        notice = facts["notice"] or _NO_NOTICE
        fields |= {f"notice_{name}": value for name, value in notice.items()}
    yield Recorded(DECISION, leaf["event"], f"consent:{pseudonym}", fields)


def _text(listed: Json) -> str:
    """As a row keeps a list."""
    return canonical(listed).decode()


def _showing(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    (pseudonym,) = leaf["subjects"]
    facts = leaf["facts"]
    fields: dict[str, Json] = {
        "id": facts["shown"],
        "person_id": pseudonym,
        "notice_digest": facts["digest"],
        "offer_digest": facts["offer"],
        "shown_at": leaf["occurred_at"],
        "event_id": leaf["event"],
    }
    yield Recorded(SHOWING, leaf["event"], f"shown:{pseudonym}", fields)


def _adoption(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
    del ahead
    facts = leaf["facts"]
    fields: dict[str, Json] = {
        "digest": facts["digest"],
        "notice_id": facts["notice"],
        "version": facts["version"],
        "language": facts["language"],
        "adopted_at": leaf["occurred_at"],
    }
    yield Recorded(NOTICE, facts["digest"], notice_chain(facts["notice"]), fields)


RECORDED: Mapping[Kind, Recording] = {
    **{Kind(f"consent.{act.value}"): _decision for act in Act},
    Kind.NOTICE_ADOPTED: _adoption,
    Kind.NOTICE_SHOWN: _showing,
}
