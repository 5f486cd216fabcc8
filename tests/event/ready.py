"""Policy documents of a few lines, made ready for judging."""

from datetime import UTC, tzinfo
from typing import Any

from app.event.rules import Circumstance, EventRules
from app.policy.catalogue.model import Catalogue, Matchers
from tests.agent_simulator import policy_document

NOWHERE: dict[str, Any] = {"regions": {}, "unknown": {}}


def app(id: str, group: str = "development", **changes: Any) -> dict[str, Any]:  # noqa: A002
    """A listed app that is recognised as said."""
    flags = {"others": "", "private_accounts": False}
    said = {name: changes.pop(name) for name in flags if name in changes}
    match = {"programs": [], "urls": [], **changes}
    return {"id": id, "name": id, "group": group, **flags, **said, "match": match}


def exclusion(id: str, **match: Any) -> dict[str, Any]:  # noqa: A002
    """An exclusion that is recognised as said."""
    empty: dict[str, Any] = {
        name: [] for name in ("bundle_ids", "executables", "urls", "fields", "pages", "titles")
    }
    return {"id": id, "name": id, "match": {**empty, "private": False, **match}}


def rules_of(
    counterparties: dict[str, Any] = NOWHERE,
    zones: tuple[tzinfo | None, ...] = (UTC,),
    *,
    personal: bool = False,
    **changes: Any,
) -> EventRules:
    """What a document says that allows every signal, with changes; nothing is excluded in it."""
    said = {"exclusions": [], "counterparty": "allow", **changes}
    return EventRules.of(policy_document(**said), counterparties, Circumstance(zones, personal))


def rules_of_catalogue(catalogue: Catalogue, *more: dict[str, Any]) -> EventRules:
    """All apps and exclusions of a catalogue; a name alone stands for whoever of SIGNERS signed."""
    apps = [
        app(
            one.id,
            one.group,
            programs=[*one.match.programs, *_signed(one.match)],
            urls=list(one.match.urls),
            others=one.words,
            private_accounts=one.private_accounts,
        )
        for one in catalogue.apps.values()
    ]
    matches = {item.id: vars(item.match) for item in catalogue.exclusions.values()}
    exclusions = [{"id": name, "name": name, "match": match} for name, match in matches.items()]
    return rules_of(apps=[*apps, *more], exclusions=exclusions)


SIGNERS = ("T", "U")


def _signed(match: Matchers) -> list[str]:
    names = (*match.bundle_ids, *match.executables)
    return [f"{name}@{signer}" for name in names for signer in SIGNERS]
