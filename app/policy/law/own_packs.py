"""What only a company names, as files: its tenants, and the places that it excludes by itself.

Rules:
1. A tenant is of an app of the catalogue that has private accounts too: nowhere else does the
   account decide. Its domain is none in which anybody can have an account. Its addresses are some
   of the app's: never all below one of them, and never on the hosts of everybody.
2. An exclusion of the company's own has ways to be recognised that can be read, and each of its
   examples is excluded by it: what an example says is tried, not believed.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from typing import Any

from yaml.nodes import Node

from app.kernel.shapes import KEY
from app.policy.catalogue.matchers import MATCHERS
from app.policy.catalogue.meeting import lies_within, overlap
from app.policy.catalogue.model import App, Catalogue, Matchers
from app.policy.catalogue.packs import read_way
from app.policy.catalogue.patterns import ANY_APP, read_pattern
from app.policy.own_exclusions import WAYS, OwnExclusion, in_order, write_own
from app.policy.strict import Form
from app.policy.tenants import EVERYBODYS_DOMAINS, Tenant, TenantKind, read_tenant

_TENANT = (
    "As in slack: account example, google_docs: domain example.com or "
    "github: address github.com/example."
)
_EXAMPLES = "Write an address with https://, APP: TITLE or the name of a program."
_ROWS = {row.name: row for row in MATCHERS}


def read_tenants(form: Form, node: Node | None, path: str, catalogue: Catalogue) -> list[str]:
    """Read a list of tenants; each as it is compared, sorted."""
    tenants: dict[str, None] = {}
    for where, item in form.items(node, path):
        text = form.text(item, where)
        if text is None:
            continue
        try:
            tenant = read_tenant(text)
        except ValueError as error:
            form.wrong(item, where, f"{text!r}: {error}", _TENANT)
            continue
        problem, cure = _misplaced(tenant, catalogue.apps)
        if str(tenant) in tenants:
            form.wrong(item, where, f"{tenant} is given twice", "Keep one of the two.")
        elif problem:
            form.wrong(item, where, f"{text!r}: {problem}", cure)
        tenants[str(tenant)] = None
    return sorted(tenants)


def _misplaced(tenant: Tenant, apps: Mapping[str, App]) -> tuple[str, str]:
    """Why a tenant has no meaning for its app, and the way out; empty if it has one (rule 1)."""
    app = apps.get(tenant.app)
    if app is None:
        return f"{tenant.app!r} is no app of the catalogue", "Name an app by its id there."
    if not app.private_accounts:
        return (
            f"private people have no accounts of {app.name}, so no tenant decides there",
            "Leave it out. To leave out a part of the app, use own_exclusions.",
        )
    if tenant.kind is TenantKind.DOMAIN and tenant.value in EVERYBODYS_DOMAINS:
        return (
            f"anybody can have an account of {tenant.value}, so it is no company's",
            "Name the domain of the company's own mail addresses.",
        )
    return _misplaced_pages(tenant.value, app) if tenant.kind is TenantKind.ADDRESS else ("", "")


def _misplaced_pages(named: str, app: App) -> tuple[str, str]:
    """The same of an address."""
    if not overlap(app.match.urls, (named,)):
        pages = ", ".join(app.match.urls) or "none"
        return f"{app.name} has no such pages", f"Its pages are: {pages}."
    if any(_everybodys(url, named) for url in app.match.urls):
        return (
            f"those are pages of {app.name} that others have, too, private people and companies",
            "Name the part that is the company's: its own host, or its own path.",
        )
    return "", ""


def _everybodys(url: str, named: str) -> bool:
    """Whether an address holds all pages of an app's, or some of them on the hosts of everybody."""
    pages, tenant = read_pattern(url), read_pattern(named)
    hosts = (f"*.{pages.host}", (f"*.{tenant.host}",))
    return lies_within(url, (named,)) or (pages.below and tenant.below and lies_within(*hosts))


def read_own_exclusions(
    form: Form, node: Node | None, path: str, catalogue: Catalogue
) -> list[dict[str, Any]]:
    """Read the exclusions of a company's own; as they are written in a policy, in order."""
    items = [
        (where, item, _own(form, item, where, catalogue)) for where, item in form.items(node, path)
    ]
    times = Counter(own.id for _, _, own in items if own.id)
    for where, item, own in items:
        if times[own.id] > 1:
            form.wrong(item, f"{where}.id", f"{own.id!r} is given twice", "Rename one of the two.")
    return [write_own(own) for own in in_order(own for _, _, own in items)]


def _own(form: Form, node: Node, path: str, catalogue: Catalogue) -> OwnExclusion:
    fields = form.mapping(node, path, ("id", "name", "why", "examples"), WAYS)
    ways: dict[str, Any] = {
        name: tuple(sorted(_texts(form, fields.get(name), f"{path}.{name}", name))) for name in WAYS
    }
    own = OwnExclusion(
        id=form.shaped(fields.get("id"), f"{path}.id", KEY, "id") or "",
        name=_seen(form, fields.get("name"), f"{path}.name"),
        why=_seen(form, fields.get("why"), f"{path}.why"),
        match=Matchers(**ways),
        examples=(),
    )
    if not fields.keys() & set(WAYS):
        form.wrong(node, path, "excludes nothing", f"Add one of: {', '.join(WAYS)}.")
    _require_apps(form, fields.get("titles"), f"{path}.titles", catalogue)
    examples = _examples(form, fields.get("examples"), f"{path}.examples", own)
    return OwnExclusion(own.id, own.name, own.why, own.match, examples)


def _seen(form: Form, node: Node | None, path: str) -> str:
    """A text that people are told: what nobody sees could turn the sentence around it."""
    text = form.text(node, path) or ""
    if node is not None and any(unicodedata.category(char)[0] == "C" for char in text):
        form.wrong(node, path, "holds a character that nobody sees", "Write it without.")
    return text


def _texts(form: Form, node: Node | None, path: str, matcher: str) -> list[str]:
    """The texts of one matcher that can be read; what cannot is noted."""
    row, texts = _ROWS[matcher], dict[str, None]()
    for where, item in form.items(node, path):
        text = read_way(form, row, item, where)
        if text is None:
            continue
        if text in texts:
            form.wrong(item, where, f"{text} is given twice", "Keep one of the two.")
        else:
            texts[text] = None
    if node is not None and not texts and not form.faults:
        form.wrong(node, path, "is empty", "Name something, or leave it out.")
    return list(texts)


def _require_apps(form: Form, node: Node | None, path: str, catalogue: Catalogue) -> None:
    """Note the titles of what is no app of the catalogue, or shows the windows of others."""
    for where, item in form.items(node, path):
        text = str(getattr(item, "value", ""))
        app = text.partition(": ")[0]
        if app == ANY_APP:
            continue
        if app not in catalogue.apps:
            problem = f"{app!r} is no app of the catalogue"
            form.wrong(item, where, problem, f"Name an app by its id there, or {ANY_APP} for any.")
        elif catalogue.apps[app].browser:
            problem = f"{app!r} is a browser, whose windows count as those of the app on the page"
            form.wrong(item, where, problem, f"Name that app, or {ANY_APP} for any.")


def _examples(form: Form, node: Node | None, path: str, own: OwnExclusion) -> tuple[str, ...]:
    """The examples that are excluded; what is not is noted (rule 2)."""
    examples = []
    for where, item in form.items(node, path):
        text = form.text(item, where)
        if text is None:
            continue
        if not own.excludes(text):
            form.wrong(item, where, f"{text!r} is not excluded by {own.id!r}", _EXAMPLES)
        examples.append(text)
    if node is not None and not examples and not form.faults:
        form.wrong(node, path, "is empty", f"Give at least one. {_EXAMPLES}")
    return tuple(sorted(set(examples)))
