"""``habeas schema …``: what agents write and read, as JSON Schemas."""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, TypeAlias

import typer

from app.event.schema import Schema, counterparties_schema, event_schema, policy_schema
from app.kernel.errors import InvalidInput

verbs = typer.Typer()

SchemaMaker: TypeAlias = Callable[[], Schema]
SCHEMAS: Mapping[str, SchemaMaker] = {
    "event": event_schema,
    "policy": policy_schema,
    "counterparties": counterparties_schema,
}

_NAMES = ", ".join(SCHEMAS)


@verbs.command()
def schema(name: Annotated[str, typer.Argument(help=f"One of: {_NAMES}.")]) -> None:
    """Print a JSON Schema (draft 2020-12) for whoever builds an agent.

    Raises:
        InvalidInput: there is no schema of that name.
    """
    if name not in SCHEMAS:
        raise InvalidInput(f"there is no schema {name!r}", cure=f"Name one of: {_NAMES}.")
    print(json.dumps(SCHEMAS[name](), indent=1, sort_keys=True, ensure_ascii=False))
