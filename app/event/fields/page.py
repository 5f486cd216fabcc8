"""The tables of field words as a page, docs/field-words.md, written from the tables (pure)."""

from collections.abc import Iterator

from app.event.fields import android, atspi, html, macos, windows
from app.event.fields.table import RANKS, FieldTable
from app.kernel.vocabulary import FieldKind

PLATFORMS = (
    ("Pages (HTML)", html),
    ("macOS", macos),
    ("Windows (UI Automation)", windows),
    ("Android", android),
    ("Linux (AT-SPI)", atspi),
)
"""Each with its heading and its module, which has a note and tables."""

_HEAD = """\
# Field words

An event says in `field` what the field that has the focus is for, with one word of a closed list. A
recorder finds the word with these tables; `app/event/fields` has them as data, with a function for
each platform, and this page is written from there (`make openapi`).

- Where a platform says several things about a field, the strictest word holds. From the mildest to
  the strictest, the words are {ranks}.
- A field whose purpose the platform does not say is `text`. If nothing has the focus that text can
  be typed into, the word is `none`.
- What a table does not have is `unknown`. So is what can hide a field: a page, a window or a group
  that does not show what is inside. No table guesses from a name, a label or a length.
- No platform tells a number of a passport, a bank account or an illness from other texts, so hardly
  any value leads to `national_id`, `bank_account` or `health`. A recorder that knows more of a
  field says the stricter word.
"""
_SILENT = "nothing (the other properties decide)"


def field_words_page() -> str:
    r"""The whole page as Markdown.

    >>> field_words_page().splitlines()[0]
    '# Field words'
    """
    ranks = ", ".join(f"`{word}`" for word in RANKS)
    parts = [_HEAD.format(ranks=ranks)]
    for heading, module in PLATFORMS:
        path = module.__name__.replace(".", "/")
        parts.append(f"## {heading}\n\n`{path}.py`\n\n{module.NOTE}")
        parts.extend(_table(table) for table in module.TABLES)
    return "\n".join(parts)


def _table(table: FieldTable) -> str:
    head = f"Source: {table.source}.\n\n| word | {table.title} |\n|---|---|\n"
    return head + "".join(_rows(table))


def _rows(table: FieldTable) -> Iterator[str]:
    for word in (*RANKS, None):
        values = [f"`{value}`" for value, leads_to in table.words.items() if leads_to is word]
        if values:
            yield f"| {_word(word)} | {', '.join(values)} |\n"


def _word(word: FieldKind | None) -> str:
    return _SILENT if word is None else f"`{word}`"


if __name__ == "__main__":
    print(field_words_page(), end="")  # noqa: T201 - it is asked for the page
