"""Two sample custodians, so that the demo can show what needs two people.

Their keys are in one folder, which is right for a demo and for nothing else.
"""

import secrets
from pathlib import Path

from app.audit.restore.custody import private_key, read_private_key
from app.audit.tree.checkpoint import VerifierKey
from app.kernel.keys import create_once
from app.kernel.private import private_folder

NAMES = ("works-council", "data-protection")
LIST = "custodians.txt"


def sample_custodians(folder: Path) -> Path:
    """Make the keys and their list at first run; return the file of the list."""
    private_folder(folder)
    lines = []
    for name in NAMES:
        file = folder / f"{name}.key"
        if not file.exists():
            create_once(file, private_key(name, secrets.token_bytes(32)).encode("ascii"))
        known, signer = read_private_key(file.read_bytes())
        lines.append(VerifierKey(known, signer.public).vkey)
    listed = folder / LIST
    if not listed.exists():
        create_once(listed, "".join(f"{line}\n" for line in lines).encode())
    return listed
