"""A notice as HTML: its markdown, with raw HTML off and the controller's name put in."""

from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from app.consent.model import Notice

_CONTROLLER = "{controller}"


def as_html(notice: Notice, controller: str) -> Markup:
    """Render a notice. The name is put in after rendering, escaped: it cannot be markup."""
    rendered = _markdown().render(notice.markdown)
    return Markup(rendered.replace(_CONTROLLER, str(escape(controller))))  # noqa: S704 - html off


@cache
def _markdown() -> MarkdownIt:
    """CommonMark without raw HTML, images and automatic links."""
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image")
