"""``habeas keys …``: which keys sign, their rotation, and the sets in which they are published.

What this machine's ``root.key`` signs is in force at once. Where custodians are the root, a verb
writes what they must sign, and ``publish --signed`` brings it into force.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from app.cli.files import read_file, write_new
from app.cli.opened import looked_at, opened
from app.cli.spans import span
from app.cli.witness import found
from app.kernel.clock import timestamp
from app.kernel.errors import InvalidInput
from app.kernel.tokens import TYPE_OF
from app.keys.model import KeySet
from app.web.words.key_words import (
    USES,
    age_in_words,
    day,
    next_in_words,
    set_in_words,
    state_in_words,
)
from app.wiring import Services

verbs = typer.Typer(
    name="keys", no_args_is_help=True, help="The keys: list them, rotate them, publish them."
)

CHAPTER = "docs/operate.md, Keys"
_ELSEWHERE = {
    "log": f"The log's name hangs on it: follow {CHAPTER}, The log key.",
    "vault": f"All that is sealed hangs on it: follow {CHAPTER}, The vault key.",
    "root": "Hand it to custodians: habeas keys publish --custodians.",
    "custodian": "Make one with habeas custodian new, and name it in HABEAS_CUSTODIANS.",
    "device": "Pair the laptop anew: habeas agent pair.",
    "sign-in": f"See {CHAPTER}.",
}
"""What to do about keys that are not rotated by this verb."""

Out = Annotated[
    Path | None, typer.Option(help="Where to write what custodians must sign; else it is printed.")
]
Overlap = Annotated[
    str | None,
    typer.Option(help="witness, consumer: for how long the one before works, too; 0d ends it now."),
]


@verbs.command("list")
def list_(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False
) -> None:
    """List the key set and every key: what it does, how old it is, what to do next."""
    with looked_at(lacking=True) as services:
        now = services.clock.now()
        with services.database.read() as tx:
            listing = services.listed_keys(tx, now)
    if as_json:
        print(json.dumps(asdict(listing), default=_plain, indent=2))
        return
    todo = next_in_words(listing.key_set, now)
    print(f"{set_in_words(listing.key_set)} {todo.words} {todo.command}".rstrip())
    for row in listing.keys:
        todo, name = next_in_words(row, now), f" ({row.name})" if row.name else ""
        told = [state_in_words(row), age_in_words(row, now)]
        ends = f", ends {day(row.ends)}" if row.ends else ""
        print(f"\n{USES[row.use]}{name}: {', '.join(filter(None, told))}{ends}")
        print(f"  {row.id}")
        print(f"  {todo.words} {todo.command}".rstrip())


@verbs.command()
def rotate(
    name: Annotated[str, typer.Argument(help=f"{', '.join(TYPE_OF)}, witness or consumer.")],
    lead: Annotated[
        str | None,
        typer.Option("--in", help="When the new key begins to sign, such as 10m or 7d from now."),
    ] = None,
    *,
    revoke: Annotated[
        bool, typer.Option(help="The old keys are believed for nothing any more, from now on.")
    ] = False,
    out: Out = None,
    overlap: Overlap = None,
    var: Annotated[Path, typer.Option(help="witness: its own folder.")] = Path("witness"),
    id: Annotated[str, typer.Option(help="consumer: which.")] = "",  # noqa: A002 - as it is called
    by: Annotated[str, typer.Option(help="consumer: the person, an admin, who rotates.")] = "",
) -> None:
    """Let a new key follow the one in use; both work for a while, so that nobody stands outside."""
    if name in _ELSEWHERE:
        raise InvalidInput(f"the {name} key is not rotated by this verb", cure=_ELSEWHERE[name])
    _require_fitting(name, {"--in": lead, "--revoke": revoke, "--out": out}, TYPE_OF)
    _require_fitting(name, {"--overlap": overlap}, ("witness", "consumer"))
    _require_fitting(name, {"--id": id, "--by": by}, ("consumer",))
    lasting = () if overlap is None else (span(overlap, "--overlap"),)
    if name == "witness":
        _rotate_witness(var, *lasting)
    elif name == "consumer":
        _rotate_consumer(id, by, *lasting)
    elif name not in TYPE_OF:
        cure = f"Name one of {', '.join(TYPE_OF)}, witness, consumer."
        raise InvalidInput(f"no key is called {name}", cure=cure)
    else:
        _rotate_own(name, None if lead is None else span(lead, "--in"), out, revoke=revoke)


@verbs.command()
def publish(
    signed: Annotated[
        Path | None, typer.Option(help="What custodians have signed: it comes into force.")
    ] = None,
    *,
    custodians: Annotated[
        bool, typer.Option(help="Make the custodians of HABEAS_CUSTODIANS the root.")
    ] = False,
    beyond: Annotated[
        int,
        typer.Option(min=0, help="Where the lock store was lost: what laptops may have seen."),
    ] = 0,
    out: Out = None,
) -> None:
    """Bring a signed set into force; without one, write the set in force anew for longer."""
    if custodians and beyond:
        raise InvalidInput("--custodians and --beyond are two steps", cure="Go beyond first.")
    if signed is not None and (custodians or beyond or out is not None):
        raise InvalidInput(
            "--signed names a set that is written already", cure="Leave the other options out."
        )
    with looked_at(lacking=True) as services:
        if signed is not None:
            _in_force(services, read_file(signed, "--signed"))
            return
        sets, now = services.key_sets, services.clock.now()
        with services.database.read() as tx:
            after = sets.propose_root(tx, now) if custodians else sets.propose_renewal(now, beyond)
        _bring(services, after, out)


def _rotate_own(name: str, lead: timedelta | None, out: Path | None, *, revoke: bool) -> None:
    with looked_at(lacking=True) as services:
        proposed = services.key_sets.propose_rotation(
            name, services.clock.now(), lead, revoke=revoke
        )
        _bring(services, proposed, out)


def _rotate_witness(var: Path, *overlap: timedelta) -> None:
    witness = found(var)
    until = witness.rotate(*overlap)
    print(f"key: {witness.vkey}")
    if until > witness.clock.now():
        print(f"The key before it signs, too, until {timestamp(until)}. Until then")
    else:
        print("The key before it signs nothing more. Now")
    print("name the new key in HABEAS_WITNESSES of each log, and wherever it is checked.")


def _rotate_consumer(consumer: str, by: str, *overlap: timedelta) -> None:
    if not consumer or not by:
        raise InvalidInput("which consumer, and who rotates?", cure="Give --id and --by.")
    with opened() as services:
        now = services.clock.now()
        with services.database.write() as tx:
            actor = services.directory.person(tx, by)
            secret = services.consumers.rotate(tx, actor, consumer, now, *overlap)
        services.integrator.integrate()
    print(f"{consumer} has a new secret, shown only now:\n{secret}")


def _bring(services: Services, proposed: KeySet, out: Path | None) -> None:
    """Bring a set into force if this machine signs it alone; else write what is to be signed."""
    if services.key_sets.signs_alone(proposed):
        _in_force(services, proposed.text.encode())
        return
    if out is None:
        print(proposed.text, end="")
        return
    write_new(out, proposed.text)
    print(f"Two custodians sign it: habeas custodian sign {out} --key FILE")
    print(f"Then: habeas keys publish --signed {out}")


def _in_force(services: Services, statement: bytes) -> None:
    published = services.key_sets.publish(statement, services.clock.now())
    services.integrator.integrate()
    print(
        f"Key set {published.version} is in force; it is believed until "
        f"{timestamp(published.expires)}, and root {published.root.version} signed it."
    )
    for key in published.keys:
        if key.begins is not None and key.signs(key.begins) and key.ends is None:
            print(f"{_name_of(key.typ)}: {key.kid} signs from {timestamp(key.begins)}.")


def _plain(value: object) -> str:
    """How JSON shows an instant."""
    assert isinstance(value, datetime)
    return timestamp(value)


def _name_of(typ: str) -> str:
    return next((name for name, signed in TYPE_OF.items() if signed == typ), typ)


def _require_fitting(name: str, given: Mapping[str, object], names: Collection[str]) -> None:
    """Return if each option that was given says something about a key of this name.

    Raises:
        InvalidInput: one does not.
    """
    for option, value in given.items():
        if value and name not in names:
            raise InvalidInput(
                f"{option} says nothing about a {name} key", cure=f"Leave {option} out."
            )
