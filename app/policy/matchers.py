"""How an app or an exclusion can be recognised: one row for each matcher (pure).

Rules:
1. A row says what the matcher's value is, whether apps have it too, and since which document form
   agents are told. The document for agents and what the guard accepts follow from the rows.
2. An older form cannot say a newer matcher. An app that uses it is left out there; an exclusion
   that uses it cannot be kept to, so then no app is listed (app/policy/document.py).
3. app/policy/catalogue/matching.py has the code of each matcher. A guard without it refuses the
   document.
"""

from dataclasses import dataclass
from typing import Any

from app.kernel.forms import FIRST_FORM


@dataclass(frozen=True)
class MatcherRow:
    """One matcher.

    Attributes:
        name: the field of ``Matchers``, of files and of documents.
        of_apps: apps have it too; otherwise only exclusions.
        flag: its value is true or false; otherwise a list of texts.
        since: the first document form that has it.
    """

    name: str
    of_apps: bool = True
    flag: bool = False
    since: int = FIRST_FORM

    def write(self, value: Any) -> Any:
        """Write a value for agents."""
        return value if self.flag else sorted(value)

    def reads(self, raw: Any) -> bool:
        """Whether what an agent was given is a value of it."""
        if self.flag:
            return isinstance(raw, bool)
        return isinstance(raw, list) and all(isinstance(text, str) for text in raw)


MATCHERS = (
    MatcherRow("bundle_ids"),
    MatcherRow("executables"),
    MatcherRow("urls"),
    MatcherRow("fields", of_apps=False),
    MatcherRow("private", of_apps=False, flag=True),
)
