"""What the alarms will be once everything that is committed is numbered and folded.

The fold is behind what was committed by a moment: by what waits for its index, and by what another
process has just numbered. Who takes a step about an alarm must not take it twice in that moment.
"""

import json

from app.audit.entries import store
from app.audit.entries.alarms import OpenAlarms
from app.audit.entries.waiting import handed_in
from app.db.engine import Tx

_MOST = 100_000


def alarms_ahead(tx: Tx, folded: OpenAlarms) -> OpenAlarms:
    """Take the alarms further, as far as the transaction sees; nobody else sees the result.

    For a step that is to follow, the caller holds the log's lock (``store.lock``): whoever holds it
    next sees this step among what waits.

    Args:
        tx: the transaction.
        folded: as far as this process has folded the log.

    Raises:
        ValueError: an entry cannot be read.
    """
    ahead = folded.copy()
    for entry in store.entries_between(tx, folded.size, store.size_of(tx)):
        ahead.take(entry.leaf)
    for waiting in handed_in(tx, _MOST):
        ahead.take(json.loads(waiting.submission))
    return ahead
