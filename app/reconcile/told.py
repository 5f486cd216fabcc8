"""Differences as an alarm tells them: under the chain that the alarm has, in words."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from app.audit.entries.alarms import coded_chain
from app.reconcile.difference import Difference
from app.reconcile.reached import ChainFindings, WrongRow


def told(difference: Difference) -> tuple[str, WrongRow]:
    """The chain of its alarm, the row, and what is wrong.

    >>> from app.db.ring import Flaw
    >>> told(Difference("stop:no code", Flaw.SHAPE, "policy_stop", "s_1"))
    ('stop', WrongRow(row='policy_stop s_1', wrong='cannot be read'))
    """
    return coded_chain(difference.chain), WrongRow(difference.row, difference.wrong)


def by_chain(
    differences: Iterable[Difference], counts: Mapping[str, int]
) -> dict[str, ChainFindings]:
    """Differences by the chain that an alarm about them has.

    Args:
        differences: those that are named.
        counts: how many there are, by chain; more than are named.
    """
    found: dict[str, ChainFindings] = {}
    for chain, row in map(told, differences):
        found[chain] = found.get(chain, ChainFindings()).and_also(row)
    totals: Counter[str] = Counter()
    for name, count in counts.items():
        totals[coded_chain(name)] += count
    return {
        chain: replace(found.get(chain, ChainFindings()), count=count)
        for chain, count in totals.items()
    }
