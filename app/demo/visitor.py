"""A person with a browser and no JavaScript: follows links, fills in forms, keeps cookies."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin

import httpx2

from app.kernel.errors import HabeasError


class Astray(HabeasError):
    """A page did not offer what the story needs; the message says which."""

    kind = "astray"


@dataclass
class PageForm:
    """One form of a page: where it goes, what it carries, which buttons it has."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)
    """(name, value) of each submit button; empty strings where it has none."""


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(PageForm(given.get("action", ""), given.get("method", "get").lower()))
        if not self.forms:
            return
        form, name = self.forms[-1], given.get("name", "")
        if tag == "textarea":
            self._area = name
        elif tag == "button" and given.get("type", "submit") == "submit":
            form.buttons.append((name, given.get("value", "")))
        elif tag == "input" and name and given.get("type") not in {"radio", "checkbox", "submit"}:
            form.fields[name] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and self.forms:
            self.forms[-1].fields[self._area] = data


def forms(page: str) -> list[PageForm]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


class PlainBrowser:
    """One browser session against one Habeas.

    Args:
        base_url: where Habeas is, e.g. ``http://127.0.0.1:8000``.
    """

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._http = httpx2.Client(
            base_url=self._base, follow_redirects=True, timeout=20, headers={"Origin": self._base}
        )

    def sign_in(self, person_id: str) -> None:
        """Go through the whole OpenID Connect sign-in, choosing a sample person by id."""
        page = self._http.get("/sign-in")
        chosen = [
            (form, button)
            for form in forms(page.text)
            for button in form.buttons
            if button[1] == person_id
        ]
        if not chosen:
            raise Astray(f"the sign-in page does not offer {person_id}")
        form, (name, value) = chosen[0]
        self._send(str(page.url), form, {name: value})

    def get(self, path: str) -> httpx2.Response:
        """Open a page.

        Raises:
            Astray: the answer is an error.
        """
        return _well(self._http.get(path))

    def submit(
        self, path: str, action: str, button: tuple[str, str] | None = None, **values: str
    ) -> httpx2.Response:
        """Open a page and send the form that goes to ``action`` (with ``button``, if it has one).

        Raises:
            Astray: there is no such form, or the answer is an error.
        """
        page = self.get(path)
        form = _fitting(page, action, button)
        if form is None:
            raise Astray(f"{path} offers no form for {action} {button or ''}")
        return self._send(str(page.url), form, dict([button] if button else []) | values)

    def offers(self, path: str, action: str, button: tuple[str, str] | None = None) -> bool:
        """Say whether a page has a form that goes to ``action`` (with ``button``)."""
        return _fitting(self.get(path), action, button) is not None

    def _send(self, page_url: str, form: PageForm, values: dict[str, str]) -> httpx2.Response:
        target = urljoin(page_url, form.action)
        answer = self._http.request(
            form.method.upper(),
            target,
            **{"data" if form.method == "post" else "params": form.fields | values},  # type: ignore[arg-type]
        )
        return _well(answer)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def _fitting(page: httpx2.Response, action: str, button: tuple[str, str] | None) -> PageForm | None:
    # A form that changes something comes before one that only asks, where both go to one address.
    for form in sorted(forms(page.text), key=lambda form: form.method != "post"):
        target = urljoin(str(page.url), form.action)
        fits = target.split("?")[0].endswith(action)
        if fits and (button is None or button in form.buttons or _carries(form, button)):
            return form
    return None


def _carries(form: PageForm, button: tuple[str, str]) -> bool:
    return form.fields.get(button[0]) == button[1]


def _well(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_error:
        raise Astray(f"{answer.request.method} {answer.url.path} answered {answer.status_code}")
    return answer
