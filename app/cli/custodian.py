"""``habeas custodian …``: keys and signatures of the people of whom two must agree.

Needs no settings, no database and no server: a custodian runs it on a machine of their own.
"""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from app.audit.restore.custody import private_key, read_private_key, sign_statement
from app.audit.tree.checkpoint import VerifierKey
from app.cli.files import read_file
from app.kernel.errors import Conflict
from app.kernel.keys import create_once

verbs = typer.Typer(
    name="custodian", no_args_is_help=True, help="The people of whom two must sign."
)


@verbs.command()
def new(
    name: Annotated[str, typer.Argument(help="Such as works-council; no spaces, no plus sign.")],
    out: Annotated[Path, typer.Option(help="The new file for the private key.")],
) -> None:
    """Make a key, keep it in a new file, and print the line for the list of custodians."""
    content = private_key(name, secrets.token_bytes(32)).encode("ascii")
    if out.exists():
        raise Conflict(f"{out} is there already", cure="Name a new file; a key is never replaced.")
    create_once(out, content)
    key_name, signer = read_private_key(out.read_bytes())
    print(VerifierKey(key_name, signer.public).vkey)


@verbs.command()
def sign(
    statement: Annotated[Path, typer.Argument(help="The statement; its signature is added to it.")],
    key: Annotated[Path, typer.Option(help="The file that habeas custodian new wrote.")],
) -> None:
    """Print a statement and sign it. Read it first: your name stands under it for ever."""
    name, signer = read_private_key(read_file(key))
    signed = sign_statement(read_file(statement), name, signer)
    statement.write_text(signed, encoding="utf-8")
    print(signed, end="")
