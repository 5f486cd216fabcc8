"""What entries about policy say about rows (pure; ``audit.entries.recorded``).

``policy.proposed`` does not say whether the first step proposed or tightened; what followed does.
"""

from collections.abc import Callable, Iterator, Mapping

from app.audit.entries.model import Kind
from app.audit.entries.recorded import Ahead, Leaf, Recorded, Recording
from app.kernel.canonical import Json

_Rows = Callable[[Leaf], Iterator[Recorded]]


def _floor(leaf: Leaf) -> Iterator[Recorded]:
    chain = f"floor:{leaf['facts']['region']}"
    fields = _shown(leaf, "region", "parent", "valid_from", "valid_to", policy="digest")
    at = {"recorded_at": leaf["occurred_at"]}
    yield Recorded("policy_floor", leaf["event"], chain, fields | at)
    yield _numbered(leaf, chain, "floor")


def _proposed(leaf: Leaf) -> Iterator[Recorded]:
    change, author = leaf["facts"]["change"], leaf["actor"]["id"]
    fields = _shown(leaf, "region", "direction", policy="digest")
    at = {"author": author, "created_at": leaf["occurred_at"]}
    yield Recorded("policy_change", change, f"change:{change}", fields | at)
    yield _step(leaf, role="", author=author)


def _approved(leaf: Leaf) -> Iterator[Recorded]:
    yield _step(leaf, step="approved", **_shown(leaf, "role"))


def _withdrawn(leaf: Leaf) -> Iterator[Recorded]:
    yield _step(leaf, step="withdrawn", role="")


def _published(leaf: Leaf) -> Iterator[Recorded]:
    chain, change = f"policy:{leaf['facts']['region']}", leaf["facts"]["change"]
    fields = _shown(leaf, "region", "direction", "valid_from", policy="digest", change="change_id")
    yield _step(leaf, step="published", role="")
    at = {"recorded_at": leaf["occurred_at"]}
    yield Recorded("policy_company", change, chain, fields | at)
    yield _numbered(leaf, chain, "published")


def _step(leaf: Leaf, **more: Json) -> Recorded:
    fields = _shown(leaf, change="change_id", policy="digest") | _act(leaf) | more
    return Recorded("policy_step", leaf["event"], f"change:{leaf['facts']['change']}", fields)


def _stop(step: str) -> _Rows:
    def rows(leaf: Leaf) -> Iterator[Recorded]:
        chain = f"stop:{leaf['facts']['region']}"
        fields = _shown(leaf, "stop", "region") | _act(leaf) | {"step": step}
        yield Recorded("policy_stop", leaf["event"], chain, fields)
        if step != "resume_proposed":  # a proposal changes nothing that holds
            yield _numbered(leaf, chain, step)

    return rows


def _catalogue_adopted(leaf: Leaf) -> Iterator[Recorded]:
    yield _numbered(leaf, "catalogue", "catalogue")


def _catalogue_step(step: str) -> _Rows:
    def rows(leaf: Leaf) -> Iterator[Recorded]:
        fields = _shown(leaf, "base", policy="digest") | _act(leaf) | {"step": step}
        yield Recorded("policy_catalogue_step", leaf["event"], "catalogue:waiting", fields)

    return rows


def _numbered(leaf: Leaf, chain: str, kind: str) -> Recorded:
    fields = _shown(leaf, "region", policy="digest") | {"kind": kind, "at": leaf["occurred_at"]}
    return Recorded("policy_event", leaf["event"], chain, fields)


def _act(leaf: Leaf) -> dict[str, Json]:
    return {"actor": leaf["actor"]["id"], "at": leaf["occurred_at"]}


def _shown(leaf: Leaf, *names: str, **columns: str) -> dict[str, Json]:
    """What facts show of a row: facts of the same name, and facts of another name by column."""
    facts, wanted = leaf["facts"], {**{name: name for name in names}, **columns}
    return {column: facts[name] for name, column in wanted.items() if name in facts}


_ROWS: Mapping[Kind, _Rows] = {
    Kind.POLICY_FLOOR_ADOPTED: _floor,
    Kind.POLICY_PROPOSED: _proposed,
    Kind.POLICY_APPROVED: _approved,
    Kind.POLICY_PUBLISHED: _published,
    Kind.POLICY_WITHDRAWN: _withdrawn,
    Kind.POLICY_STOPPED: _stop("stopped"),
    Kind.POLICY_RESUME_PROPOSED: _stop("resume_proposed"),
    Kind.POLICY_RESUMED: _stop("resumed"),
    Kind.POLICY_CATALOGUE_ADOPTED: _catalogue_adopted,
    Kind.POLICY_CATALOGUE_SHIPPED: _catalogue_step("shipped"),
    Kind.POLICY_CATALOGUE_PROPOSED: _catalogue_step("proposed"),
    Kind.POLICY_CATALOGUE_DECLINED: _catalogue_step("declined"),
    Kind.POLICY_CATALOGUE_APPROVED: _catalogue_step("approved"),
}


def _recording(rows: _Rows) -> Recording:
    def reading(leaf: Leaf, ahead: Ahead) -> Iterator[Recorded]:
        del ahead  # every row of policy is named by its entry or by an id in it
        return rows(leaf)

    return reading


RECORDED: Mapping[Kind, Recording] = {kind: _recording(rows) for kind, rows in _ROWS.items()}
