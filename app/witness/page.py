"""The witness's one page: whom it watches, how far they came, what contradicts them."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.witness.service import Watched
from app.witness.store import NotePair

_FOLDER = Path(__file__).parent
_STYLE = (_FOLDER / "page.css").read_text(encoding="utf-8")
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode("ascii")

SECURITY = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Headers of the page: one style, nothing else, no framing."""

_pages = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def render(
    name: str, vkeys: Sequence[str], watched: Sequence[Watched], evidence: Sequence[NotePair]
) -> str:
    """Write the page."""
    return _pages.get_template("page.html").render(
        name=name, vkeys=vkeys, watched=watched, evidence=evidence, style=_STYLE, when=_when
    )


def _when(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
