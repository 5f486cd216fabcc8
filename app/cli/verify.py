"""``habeas verify``: a file or a running log, without our server, database or settings."""

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from app.cli.files import read_file
from app.cli.spans import span
from app.kernel.errors import InvalidInput
from app.sdk.verify import (
    Ask,
    Depth,
    GivenKeys,
    Report,
    as_json,
    given_keys,
    is_address,
    is_receipt_file,
    render,
    verify_asked,
)

verbs = typer.Typer()

_SHOWN_FROM = 20_000
"""Entries from which on there is a progress bar."""


Target = Annotated[
    str,
    typer.Argument(
        help="An export (tar or unpacked folder), a proof file, a receipt (JSON), or the "
        "address of a running log (https://…)."
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        help="The log's verifier key, got from somewhere else than the export: the key itself, a "
        "file with it, or the address of the service (https://…), which names all its keys."
    ),
]
Since = Annotated[
    list[Path] | None,
    typer.Option(
        "--since",
        "--kept",
        help="A checkpoint kept from before; the log must continue it. May be repeated.",
    ),
]
WitnessPolicy = Annotated[
    Path | None,
    typer.Option(help="A witness policy (tlog-policy): whose cosignatures are enough."),
]
MaxAge = Annotated[
    str | None,
    typer.Option(help="How long ago enough witnesses may have signed: 90s, 30m, 24h, 7d."),
]
Receipts = Annotated[
    list[Path] | None,
    typer.Option(help="Submission receipts, one on a line: was it merged? May be repeated."),
]
Keys = Annotated[
    str | None,
    typer.Option(
        help="The service's key set (jwks.json), for the signatures of receipts: a file or the "
        "address of the service."
    ),
]
WithoutReplay = Annotated[
    bool, typer.Option("--without-replay", help="Do not read facts, do not decide again.")
]
IntegrityOnly = Annotated[
    bool, typer.Option("--integrity-only", help="Hash every byte; read no entry.")
]
RequireReplay = Annotated[
    bool,
    typer.Option(
        "--require-replay", help="Exit 1 also where not every decision was made again and good."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@verbs.command()
def verify(
    target: Target,
    key: Key = None,
    since: Since = None,
    policy: WitnessPolicy = None,
    max_age: MaxAge = None,
    receipt: Receipts = None,
    keys: Keys = None,
    *,
    without_replay: WithoutReplay = False,
    integrity_only: IntegrityOnly = False,
    require_replay: RequireReplay = False,
    as_json_: AsJson = False,
) -> None:
    """Check an export, a proof, a receipt or a running log: integrity, completeness, policy.

    Exit code 0: no verdict is against it. 1: one is, or replay is required and something was not
    replayed. 2: nothing could be verified (the command is wrong, a file is missing).
    """
    if require_replay and (without_replay or integrity_only):
        raise InvalidInput(
            "--require-replay asks for the replay that another option leaves away",
            cure="Leave --without-replay and --integrity-only away.",
        )
    if not is_address(target) and not Path(target).exists():
        raise InvalidInput(
            f"{target} is not there", cure="Name an export, a folder, a proof file or an address."
        )
    _require_said({"--key": key, "--keys": keys, "--max-age": max_age})
    given = _given(target, key or "", keys or "", wants_set=bool(receipt))
    depth = Depth.ORDER if without_replay else Depth.REPLAY
    ask = Ask(
        vkey=given.vkey,
        since=tuple((file.name, read_file(file)) for file in since or ()),
        policy=None if policy is None else read_file(policy),
        max_age=None if max_age is None else span(max_age, "--max-age"),
        receipts=tuple((file.name, read_file(file)) for file in receipt or ()),
        keys=given.jwks,
        address=given.address,
        depth=Depth.BYTES if integrity_only else depth,
    )
    report = _verified(target, ask)
    print(f"{json.dumps(as_json(report), indent=1)}\n" if as_json_ else render(report), end="")
    if require_replay and report.policy.ok is None:
        print("--require-replay: not everything was replayed", file=sys.stderr)
        raise typer.Exit(1)
    raise typer.Exit(report.exit_code)


def _require_said(options: Mapping[str, str | None]) -> None:
    """Refuse what was asked for and is empty, such as an unset variable: it would check less."""
    for option, value in options.items():
        if value is not None and not value.strip():
            raise InvalidInput(
                f"{option} is empty", cure=f"Say what to check with, or leave {option} away."
            )


def _given(target: str, key: str, keys: str, *, wants_set: bool) -> GivenKeys:
    """The keys of both options; ``--keys`` counts where both name a key set.

    A key set that only came along with the log's key is left away where nothing needs one.
    """
    log, tokens = given_keys(key), given_keys(keys, option="--keys")
    if keys and tokens.jwks is None:
        raise InvalidInput("--keys names no key set", cure="Give the log's key with --key.")
    wants_set = wants_set or (not is_address(target) and is_receipt_file(target))
    if key and log.vkey is None and not (wants_set and tokens.jwks is None):
        cure = "Give the log's own key (name+keyid+key), or an address that publishes it: …/log/key"
        raise InvalidInput(
            "--key names a key set, and what is asked needs the log's key", cure=cure
        )
    came_along = log.jwks if wants_set else None
    return GivenKeys(log.vkey, tokens.jwks or came_along, log.address or tokens.address)


def _verified(target: str, ask: Ask) -> Report:
    """Verify, with a progress bar for somebody who waits at a terminal."""
    with Progress(
        transient=True, console=Console(stderr=True), disable=not sys.stderr.isatty()
    ) as shown:
        task = shown.add_task("verifying", total=None, visible=False)
        progress = partial(_show, shown, task)
        return verify_asked(target, replace(ask, progress=progress))


def _show(shown: Progress, task: TaskID, done: int, total: int) -> None:
    shown.update(task, completed=done, total=total, visible=total >= _SHOWN_FROM)
