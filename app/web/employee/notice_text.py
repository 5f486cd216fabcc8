"""A notice as HTML: its markdown, with raw HTML off and what its reader is told put in.

That is the controller's name, and which places are never recorded: exactly those of the offer that
the text is shown with.
And the language in which it is shown, where the person chose none.
"""

from collections.abc import Iterable
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup, escape
from starlette.requests import Request

from app.consent.model import Act, opening_act
from app.consent.offers import Notice, Offer
from app.consent.packs import CONTROLLER, NEVER
from app.kernel.vocabulary import Basis
from app.web.employee.decide_words import decide_words


def as_html(notice: Notice, controller: str, offer: Offer) -> Markup:
    """Render a notice. Names are put in after rendering, escaped: they cannot be markup."""
    rendered = _markdown().render(notice.markdown)
    never = decide_words(notice.language).never_recorded(offer.never)
    # The controller's name comes last: nothing is put into it.
    for place, text in ((NEVER, never), (CONTROLLER, controller)):
        rendered = rendered.replace(place, str(escape(text)))
    return Markup(rendered)  # noqa: S704 - html off


@cache
def _markdown() -> MarkdownIt:
    """CommonMark without raw HTML, images and automatic links."""
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")


def ground_in_words(bases: Iterable[Basis], content: Iterable[str]) -> str:
    """The ground that the text leaves to the button, for a page that has no button.

    >>> ground_in_words([Basis.CONSENT], [])
    'consent'
    >>> ground_in_words([], [])
    'none, so there is nothing to agree to'
    """
    match opening_act(bases):
        case Act.GIVEN if Basis.ACKNOWLEDGEMENT.value in content:
            return "consent, with your acknowledgement of this text"
        case Act.GIVEN:
            return "consent"
        case Act.ACKNOWLEDGED:
            return "this notice and your acknowledgement"
        case _:
            return "none, so there is nothing to agree to"


def preferred_language(request: Request, offered: tuple[str, ...]) -> str:
    """The first language of the browser's list (RFC 9110 §12.5.4) in which there is a notice."""
    for entry in request.headers.get("accept-language", "").split(","):
        code = entry.split(";")[0].strip().split("-")[0].lower()
        if code in offered:
            return code
    return "en" if "en" in offered or not offered else offered[0]
