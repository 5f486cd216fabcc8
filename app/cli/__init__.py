"""``habeas …``: each verb parses, calls one service, and prints.

Only the module of the verb that is typed is imported: ``habeas verify`` starts in a fraction of the
time that the service takes, and on a machine that has none of its libraries.
It has more than a dozen modules because each verb has one of its own.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

import typer
from rich.console import Console

from app.kernel.errors import HabeasError

VERBS: Mapping[str, str] = {
    "serve": "app.cli.serve",
    "openapi": "app.cli.serve",
    "schema": "app.cli.schema",
    "verify": "app.cli.verify",
    "people": "app.cli.people",
    "policy": "app.cli.policy",
    "database": "app.cli.database",
    "consumers": "app.cli.consumers",
    "custodian": "app.cli.custodian",
    "agent": "app.cli.agent",
    "audit": "app.cli.audit",
    "witness": "app.cli.witness",
    "doctor": "app.cli.doctor",
    "keys": "app.cli.keys",
}
"""The first word after ``habeas``, and the module whose ``verbs`` answers to it."""


def understood(words: Sequence[str], verbs: Mapping[str, str] = VERBS) -> typer.Typer:
    """Return what these words need: the verb they begin with, or all of them for help.

    Args:
        words: what is typed after ``habeas``.
        verbs: first word to module, as in ``VERBS``.
    """
    root = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Consent and policy governance for capture agents.",
        callback=_root,
    )
    named = [verbs[word] for word in words[:1] if word in verbs]
    for module_of_verb in dict.fromkeys(named or verbs.values()):
        root.add_typer(import_module(module_of_verb).verbs)
    return root


def _root() -> None:
    """Keep a verb a verb where it is the only one."""


def main(verbs: Mapping[str, str] = VERBS) -> None:
    """Run a verb; say an error of the domain as sentences and end with 2."""
    stderr = Console(stderr=True, highlight=False)
    try:
        understood(sys.argv[1:], verbs)()
    except HabeasError as error:
        stderr.print(f"habeas: {error.problem}", markup=False)
        for fault in error.faults:
            cure = f" {fault.cure}" if fault.cure else ""
            stderr.print(f"  {fault.field}: {fault.problem}.{cure}", markup=False)
        if error.cure:
            stderr.print(f"  {error.cure}", markup=False)
        sys.exit(2)
    except ValueError as error:
        _say_settings(stderr, error)
        sys.exit(2)


def _say_settings(stderr: Console, error: ValueError) -> None:
    """Say what the settings lack; any other error is a fault of the program and goes on.

    Raises:
        ValueError: it is not about settings.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - verbs without settings go without it

    if not isinstance(error, ValidationError):
        raise error
    stderr.print("habeas: the settings do not hold", markup=False)
    for finding in error.errors():
        variable = "".join(f"HABEAS_{str(part).upper()}: " for part in finding["loc"])
        sentence = finding["msg"].removeprefix("Value error, ")
        stderr.print(f"  {variable}{sentence}", markup=False)
