"""A search as the pages carry it: its fields in words, and as a query string. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from urllib.parse import urlencode

from app.audit.reading.search import Search

SIDES: Mapping[str, str] = {"about": "about them", "by": "by them"}
"""Which part a person plays in the entries that are looked for, in words."""


def query(search: Search, *, before: int | None = None, after: int | None = None) -> str:
    """The same search from another index on, or from the newest entry, as a query string."""
    turned = replace(search, before=_index_text(before), after=_index_text(after))
    fields = {name: value for name, value in asdict(turned).items() if value}
    if fields.get("side") == "about":
        del fields["side"]
    return urlencode(fields)


def _index_text(index: int | None) -> str:
    return "" if index is None else str(index)
