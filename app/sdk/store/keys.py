"""The service's keys as one data store believes them: the signed key set, as laptops take it.

Rules:
1. The root is given in the store's settings, or learned at the first fetch from the address of the
   service. From then on only what it signs is taken, never an older version (app/sdk/keys.py).
2. The set is kept in a folder of the store's own: one process has one folder. Whoever deletes what
   is in it begins anew; a root that is given goes on being asked for.
3. No set, a set that has expired or one that must not be believed: no token is believed.
"""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx2

from app.kernel.clock import Clock, SystemClock
from app.kernel.signing import signing_key_of
from app.kernel.tokens import GRANT_TYPE
from app.keys.model import BadKeySet, KeySet, Root, require_current
from app.sdk.keys import TrustedKeys, kept_key_set
from app.sdk.lease import Refused
from app.sdk.wire import Wire


class KeysRefused(Exception):
    """There is no key set by which a token can be believed; the message says why."""


class StoreKeys:
    """The key set that a data store holds.

    Args:
        folder: where it is kept; made if it is not there.
        base_url: the address of the service.
        typ: the type of token that is judged by it: one object for each.
        root: whose signatures are asked for from the first fetch on; None: learned there.
        http: another HTTP client.
        clock: another wall clock.
        elapsed: another clock that only runs forward, seconds.

    Raises:
        KeysRefused: what is in the folder is damaged.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str,
        *,
        typ: str = GRANT_TYPE,
        root: Root | None = None,
        http: httpx2.Client | None = None,
        clock: Clock | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = kept_key_set(folder)
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise KeysRefused(f"the key set in {folder} cannot be read: {error}") from error
        self._clock, self._one_at_a_time = clock or SystemClock(), threading.Lock()
        wire = Wire(base_url, http)
        self._trusted = TrustedKeys(
            folder, wire, self._clock, elapsed, held, {}, lambda _: None, typ, root
        )

    def for_token(self, token: str) -> KeySet:
        """The set by which to judge a token; asked for anew where it is time to.

        Raises:
            KeysRefused: there is none that can be believed (rule 3), or the token names no key.
        """
        try:
            kid = signing_key_of(token)
            with self._one_at_a_time:
                held = self._trusted.renew(kid)
            if held is not None:
                require_current(held, self._clock.now())
                return held
        except (Refused, BadKeySet, ValueError, KeyError) as error:
            raise KeysRefused(f"no key can be believed: {error}") from error
        raise KeysRefused("no key can be believed: the service has shown no key set yet")
