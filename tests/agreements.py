"""Agreements for tests of pure rules."""

from collections.abc import Iterable

from hypothesis import strategies as st

from app.capture.agreement import mask
from app.kernel.vocabulary import Signal
from app.policy.agreement import Agreement, Limits, within
from app.policy.catalogue.model import Catalogue
from app.policy.knobs import REGISTRY
from app.policy.model import Compiled


def agreed_to(
    signals: Iterable[str] = (), purposes: Iterable[str] = (), apps: Iterable[str] = ()
) -> Agreement:
    """An agreement to these signals, purposes and apps, which says nothing else."""
    return mask(signals, apps, purposes, REGISTRY)


def bound(compiled: Compiled, agreement: Agreement | None, catalogue: Catalogue) -> Limits:
    """What binds the recorder of somebody who agreed."""
    return within(Limits(compiled, catalogue), agreement)


def agreements(purposes: Iterable[str], apps: Iterable[str]) -> st.SearchStrategy[Agreement]:
    """Any agreement to some of these."""
    return st.builds(
        agreed_to,
        signals=st.frozensets(st.sampled_from([signal.value for signal in Signal])),
        purposes=st.frozensets(st.sampled_from(list(purposes))),
        apps=st.frozensets(st.sampled_from(list(apps))),
    )
