"""How an app or an exclusion can be recognised: one row for each matcher (pure).

Rules:
1. A row says what the matcher's value is, in which document forms apps and exclusions have it, and
   how its texts are read. Files, documents for agents and what the guard accepts follow from the
   rows.
2. An older form cannot say a newer matcher. An app that uses it is left out there; an exclusion
   that uses it cannot be kept to, so then no app is listed (app/policy/document.py).
3. What a newer form has no more is not said in it: apps are recognised by the name of a program
   alone in form 1 only.
4. app/event/recognition.py has the code of each matcher. A guard without it refuses the document.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.kernel.forms import FIRST_FORM
from app.policy.catalogue.patterns import read_page, read_pattern, read_signed, read_title

SIGNED_FORM = 2
"""From here on an app's program is believed only with who signed it."""


@dataclass(frozen=True)
class MatcherRow:
    """One matcher.

    Attributes:
        name: the field of ``Matchers``, of files and of documents.
        of_apps: apps have it.
        of_exclusions: exclusions have it.
        flag: its value is true or false; otherwise a list of texts.
        since: the first document form that has it.
        apps_until: the last form in which apps have it; None: all.
        parse: reads one of its texts; raises ``ValueError`` where there is nothing to be read.
        sample: such a text.
    """

    name: str
    of_apps: bool = True
    of_exclusions: bool = True
    flag: bool = False
    since: int = FIRST_FORM
    apps_until: int | None = None
    parse: Callable[[str], object] = str
    sample: str = ""

    def for_apps(self, form: int) -> bool:
        """Whether an app of a document of a form has it."""
        ended = self.apps_until is not None and form > self.apps_until
        return self.of_apps and self.since <= form and not ended

    def for_exclusions(self, form: int) -> bool:
        """Whether an exclusion of a document of a form has it."""
        return self.of_exclusions and self.since <= form

    def write(self, value: Any) -> Any:
        """Write a value for agents."""
        return value if self.flag else sorted(value)

    def reads(self, raw: Any) -> bool:
        """Whether what an agent was given is a value of it."""
        if self.flag:
            return isinstance(raw, bool)
        return isinstance(raw, list) and all(self._reads_text(text) for text in raw)

    def _reads_text(self, text: Any) -> bool:
        if not isinstance(text, str):
            return False
        try:
            self.parse(text)
        except ValueError:
            return False
        return True


MATCHERS = (
    MatcherRow("bundle_ids", apps_until=FIRST_FORM),
    MatcherRow("executables", apps_until=FIRST_FORM),
    MatcherRow("urls", parse=read_pattern, sample="*.example.com/path"),
    MatcherRow("fields", of_apps=False),
    MatcherRow("private", of_apps=False, flag=True),
    MatcherRow(
        "programs",
        of_exclusions=False,
        since=SIGNED_FORM,
        parse=read_signed,
        sample="com.example.App@TEAM123456",
    ),
    MatcherRow(
        "pages", of_apps=False, since=2, parse=read_page, sample="app.example.com/settings/*/pay"
    ),
    MatcherRow("titles", of_apps=False, since=2, parse=read_title, sample="slack: *payroll*"),
)
