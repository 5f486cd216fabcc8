"""``habeas witness …``: a witness of one's own; it knows no setting of Habeas."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.api.server.bodies import Pace, WholeBody
from app.api.server.connections import ConnectionBounds
from app.api.server.serving import run
from app.kernel.errors import InvalidInput
from app.witness.http import witness_app
from app.witness.rules import MAX_REQUEST_BYTES
from app.witness.service import DATABASE, Witness, open_witness

verbs = typer.Typer(
    name="witness", no_args_is_help=True, help="A witness: sees that logs only grow, and signs it."
)

Folder = Annotated[Path, typer.Option(help="The witness's own folder; keep it private.")]
_VAR = Path("witness")


@verbs.command()
def serve(
    var: Folder = _VAR,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8100,
    name: Annotated[
        str, typer.Option(help="Its name for ever, such as works-council.example/w1; first time.")
    ] = "",
) -> None:
    """Serve a witness; at the first time its key is made."""
    witness = open_witness(var, name)
    _say_who(witness)
    print(f"It listens at http://{host}:{port}. Ctrl-C ends it.", flush=True)
    app = WholeBody(witness_app(witness), largest=MAX_REQUEST_BYTES, pace=Pace())
    run(app, ConnectionBounds(), host, port)


@verbs.command()
def trust(
    log_vkey: Annotated[str, typer.Argument(help="The log's verifier key, from its /log/key.")],
    url: Annotated[str, typer.Argument(help="Where the log is, for the page.")] = "",
    var: Folder = _VAR,
    name: Annotated[str, typer.Option(help="The witness's name; first time.")] = "",
) -> None:
    """Watch a log from now on."""
    witness = open_witness(var, name)
    key = witness.trust(log_vkey, url)
    print(f"{witness.name} watches {key.name}.")
    _say_who(witness)


@verbs.command()
def status(var: Folder = _VAR) -> None:
    """Say which logs are watched and how far they came; ends with 1 if one contradicted itself."""
    witness = found(var)
    _say_who(witness)
    for log in witness.watched():
        if log.last is None:
            print(f"{log.origin}: nothing cosigned yet")
        else:
            print(
                f"{log.origin}: {log.last.checkpoint.size} entries, cosigned {_said(log.last.at)}"
            )
    count = len(witness.evidence())
    if count:
        print(f"contradictions: {count}; see them with habeas witness evidence --var {var}")
        raise typer.Exit(1)


@verbs.command()
def evidence(var: Folder = _VAR) -> None:
    """Print every pair of notes that contradict each other; ends with 1 if there is one."""
    contradictions = found(var).evidence()
    for pair in contradictions:
        at = _said(pair.seen_at)
        print(f"{pair.origin} signed two trees of {pair.size} entries (seen {at}).")
        print(f"\nCosigned by this witness:\n\n{pair.cosigned_note.decode()}")
        print(f"Signed by the log as well, and refused:\n\n{pair.other_note.decode()}")
    if contradictions:
        raise typer.Exit(1)
    print("None: no log was seen to sign two trees of one size.")


def found(var: Path) -> Witness:
    """The witness that is in a folder.

    Raises:
        InvalidInput: there is none.
    """
    if not (var / DATABASE).exists():
        raise InvalidInput(
            f"there is no witness in {var}", cure="Name the folder of one with --var."
        )
    return open_witness(var)


def _said(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _say_who(witness: Witness) -> None:
    *earlier, newest = witness.vkeys
    print(f"key: {newest}", flush=True)
    for vkey in earlier:
        print(f"signs, too: {vkey}", flush=True)
