"""What laptops reported that they captured and dropped, as one person reads it (pure).

Rules:
1. Each event that was captured is in one app and of one kind; each that was not has one reason.
2. The places in which something was dropped add up to what was dropped as excluded: events of which
   no laptop said where stand in a line of their own.
3. A place is told by its name, never by an address; one of the company's own whose name does not
   hold for the person any more is told as such.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.agents.reports.model import Totals
from app.kernel.refusals import Refusal
from app.web.shell.levels import Level, levels
from app.web.words.refusal_words import REFUSED
from app.web.words.text import SIGNAL_WORDS

OWN = "A place that your company excludes"
UNSAID = "The laptop did not say where"


@dataclass(frozen=True)
class CapturedCounts:
    """Counts of events, the most frequent first.

    Attributes:
        captured, dropped: all of them.
        apps, signals: where and of which kind the captured ones were.
        reasons: why the others were dropped.
        places: where those were that are in places which are never captured.
    """

    captured: int
    dropped: int
    apps: tuple[Level, ...]
    signals: tuple[Level, ...]
    reasons: tuple[Level, ...]
    places: tuple[Level, ...]


def captured_counts(
    totals: Totals, apps: Mapping[str, str], places: Mapping[str, str]
) -> CapturedCounts:
    """Put what was reported into words.

    Args:
        totals: over all reports of the person's laptops.
        apps: names of apps; one without is told by its id.
        places: names of excluded places.
    """
    return CapturedCounts(
        captured=sum(row.events for row in totals.allowed),
        dropped=sum(events for _, events in totals.refused),
        apps=_lines((app, apps.get(app, app), n) for app, n in totals.by_app.items()),
        signals=_lines((s, SIGNAL_WORDS[s], n) for s, n in totals.by_signal.items()),
        reasons=_lines((code, REFUSED[code], n) for code, n in totals.refused),
        places=_lines(_by_name(totals, places)),
    )


def _by_name(totals: Totals, places: Mapping[str, str]) -> Iterator[tuple[str, str, int]]:
    """Count by name: of two places that read the same, nobody could tell which is which."""
    counts: dict[str, int] = {}
    for exclusion, events in totals.excluded:
        name = places.get(exclusion, OWN)
        counts[name] = counts.get(name, 0) + events
    unsaid = dict(totals.refused).get(Refusal.EXCLUDED, 0) - sum(counts.values())
    for name, events in (*counts.items(), (UNSAID, unsaid)):
        yield name, name, events


def _lines(rows: Iterable[tuple[str, str, int]]) -> tuple[Level, ...]:
    return levels((code, words, events, "") for code, words, events in rows)
