"""Which alarm explains that something was refused because rows do not agree with the log.

What a service refuses for ``record_disputed`` follows from its tables and not from the log. What
the log shows is the alarm; so the refusal is held against that, and only that it refuses.
"""

from collections.abc import Iterable

from app.agents.devices.recorded import chain_of
from app.agents.leases.recorded import LEASES
from app.capture.directive import Circumstances
from app.sdk.verify.folded.people import Somebody
from app.sdk.verify.folded.state import Folded


def of_person(*pseudonyms: str) -> frozenset[str]:
    """The chains of rows about people, of whom one is disputed: their lines, their pseudonyms."""
    return frozenset({"subject:", *(f"person:{name}" for name in pseudonyms)})


def of_consent(pseudonym: str) -> frozenset[str]:
    """The chains of what somebody decided, and was shown."""
    return frozenset({f"consent:{pseudonym}", f"shown:{pseudonym}", "consent:unnamed"})


def regions_of(somebody: Somebody) -> frozenset[str]:
    """Every region that somebody ever had."""
    return frozenset(
        region
        for version in somebody.versions
        for region in (version.region, version.place, version.entity.partition("/")[0])
    )


def of_lease(
    folded: Folded,
    circumstances: Circumstances,
    somebody: Somebody,
    device: str,
    regions: Iterable[str],
) -> Iterable[tuple[str, frozenset[str]]]:
    """What a lease says is disputed, each with the chains of which one must have an alarm.

    Raises:
        ValueError: it names something else than the four.
    """
    person = somebody.person.id
    known = {
        "person": of_person(person),
        "consent": of_consent(person),
        "device": frozenset(chain_of(device, about) for about in ("device", LEASES)),
        "policy": folded.law.chains(regions),
    }
    for what in circumstances.disputed:
        if what not in known:
            msg = f"disputed: {what} is none of {', '.join(known)}"
            raise ValueError(msg)
        yield what, known[what]
