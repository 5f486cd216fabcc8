"""``habeas policy …``."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from app.capture.trial import Laptop, trial
from app.cli.files import read_file
from app.cli.opened import opened
from app.event.model import UiEvent
from app.event.reading import read_event_text
from app.event.verdict import Allowed
from app.kernel.clock import zone_named
from app.kernel.errors import InvalidInput, wrong_field
from app.kernel.places import why_no_place
from app.web.trial.page import deciders
from app.web.trial.rows import TrialGround, TrialWords, outcome
from app.web.words.region_words import names_of
from app.wiring import Services

verbs = typer.Typer(name="policy", no_args_is_help=True, help="What the policy in force says.")


@verbs.callback()
def _verb() -> None:
    """What the policy in force says."""


@verbs.command("try")
def try_event(
    file: Annotated[str, typer.Argument(help="An event as JSON (docs/events.md); - is the input.")],
    region: Annotated[str, typer.Option(help="Where somebody lives, such as US-CA.")],
    place: Annotated[str, typer.Option(help="Where they work today; without it, at home.")] = "",
    zone: Annotated[str, typer.Option(help="The laptop's time zone; without it, as at home.")] = "",
    personal: Annotated[bool, typer.Option(help="The laptop is the person's own.")] = False,
) -> None:
    """Say whether an event would be captured of somebody who agreed to all that is offered.

    Ends with 0 where it would be, with 1 where it would not, with 2 where it cannot be read.
    """
    event = _event(file)
    if zone and zone_named(zone) is None:
        raise wrong_field("zone", "is no time zone of IANA", "Write one such as Europe/Berlin.")
    with opened() as services:
        told, allowed = _tried(services, event, region, place or region, zone, personal=personal)
    print("\n".join(_lines(told)))
    raise typer.Exit(0 if allowed else 1)


def _tried(
    services: Services, event: UiEvent, region: str, place: str, zone: str, *, personal: bool
) -> tuple[TrialWords, bool]:
    policy, now = services.policy, services.clock.now()
    with services.database.read() as tx:
        _require_places(policy.floors_at(tx, now), region=region, place=place)
        told, limits = services.capture.told_in(tx, region, place, now)
        done = trial(event, told, Laptop(zone or told.zones[0], personal))
        names = names_of(policy.regions(tx, now))
        ground = TrialGround(limits, names, deciders(policy, tx, told, done, now))
    return outcome(done, ground), isinstance(done.verdict, Allowed)


def _lines(found: TrialWords) -> Iterator[str]:
    yield found.headline
    yield from found.lines
    for row in found.decided:
        for why in row.reasons:
            cited = f": {why.citation}" if why.citation else ""
            yield f"Decided by {why.place}, {why.kind}{cited} ({row.what})"
    for unknown in found.unknown:
        yield f"Not known: {unknown}"
    yield found.verdict


def _event(file: str) -> UiEvent:
    text = sys.stdin.buffer.read() if file == "-" else read_file(Path(file))
    try:
        return read_event_text(text)
    except ValueError as error:
        raise InvalidInput(f"{file} is no event: {error}") from error


def _require_places(floors: frozenset[str], **places: str) -> None:
    for field, code in places.items():
        wrong = why_no_place(code, floors)
        if wrong is not None:
            raise wrong_field(field, wrong.problem, wrong.cure)
