"""Field words of Linux desktops: the AT-SPI role of the focused element (pure).

Source: at-spi2-core, AtspiRole, and the role names of ATK. Programs with GTK 4 give a field for
passwords the plain role ``text``, so that role is believed for fields of several lines only, which
no field for passwords is. A terminal asks for passwords and does not say so.
"""

from app.event.fields.table import FieldTable
from app.kernel.vocabulary import FieldKind

_CONTAINERS = (
    "alert",
    "application",
    "article",
    "canvas",
    "desktop frame",
    "dialog",
    "directory pane",
    "document frame",
    "document web",
    "drawing area",
    "embedded",
    "extended",
    "file chooser",
    "filler",
    "focus traversable",
    "font chooser",
    "footer",
    "form",
    "frame",
    "glass pane",
    "grouping",
    "header",
    "html container",
    "input method window",
    "internal frame",
    "invalid",
    "landmark",
    "layered pane",
    "log",
    "option pane",
    "page",
    "panel",
    "redundant object",
    "root pane",
    "scroll pane",
    "section",
    "split pane",
    "table",
    "tree table",
    "unknown",
    "viewport",
    "window",
)
"""What can have the focus in place of a field that the program does not show."""
_NO_INPUT = (
    "accelerator label",
    "animation",
    "arrow",
    "audio",
    "button",
    "calendar",
    "caption",
    "chart",
    "check box",
    "check menu item",
    "color chooser",
    "column header",
    "desktop icon",
    "dial",
    "icon",
    "image",
    "image map",
    "info bar",
    "label",
    "level bar",
    "link",
    "list",
    "list box",
    "list item",
    "marquee",
    "math",
    "menu",
    "menu bar",
    "menu item",
    "notification",
    "page tab",
    "page tab list",
    "popup menu",
    "progress bar",
    "push button",
    "push button menu",
    "radio button",
    "radio menu item",
    "rating",
    "row header",
    "ruler",
    "scroll bar",
    "separator",
    "slider",
    "static",
    "status bar",
    "statusbar",
    "switch",
    "table column header",
    "table row",
    "table row header",
    "tear off menu item",
    "timer",
    "title bar",
    "toggle button",
    "tool bar",
    "tool tip",
    "tree",
    "tree item",
    "video",
)
_TEXTS = (
    "autocomplete",
    "block quote",
    "combo box",
    "comment",
    "date editor",
    "document email",
    "document presentation",
    "document spreadsheet",
    "document text",
    "edit bar",
    "editbar",
    "entry",
    "footnote",
    "heading",
    "paragraph",
    "spin button",
    "table cell",
)
"""The parts of a document among them: an office program takes what is typed there."""

SINGLE_LINE = "text"
"""The role of plain text fields, and in GTK 4 of those for passwords."""

ROLES: dict[str, FieldKind | None] = {
    **dict.fromkeys(_TEXTS, FieldKind.TEXT),
    "password text": FieldKind.PASSWORD,
    **dict.fromkeys(_NO_INPUT, FieldKind.NONE),
    SINGLE_LINE: FieldKind.UNKNOWN,
    "terminal": FieldKind.UNKNOWN,
    **dict.fromkeys(_CONTAINERS, FieldKind.UNKNOWN),
}

NOTE = """\
The role `text` is `text` with the state MULTI_LINE only: programs with GTK 4 give it to fields for
passwords. An element with the role of a container is `text` with the state EDITABLE.
"""
"""What the page says before the tables."""

TABLES = (FieldTable("role", "at-spi2-core, AtspiRole; ATK role names", ROLES),)


def atspi(role: str, *, multi_line: bool = False, editable: bool = False) -> FieldKind:
    """The field word of the focused accessible object.

    >>> atspi("password text").value, atspi("entry").value, atspi("push button").value
    ('password', 'text', 'none')
    >>> atspi("text").value, atspi("text", multi_line=True).value
    ('unknown', 'text')

    Args:
        role: the name of the role (Accessible.getRoleName), in English.
        multi_line: the object has the state MULTI_LINE.
        editable: the object has the state EDITABLE.
    """
    if (role == SINGLE_LINE and multi_line) or (role in _CONTAINERS and editable):
        return FieldKind.TEXT
    return ROLES.get(role) or FieldKind.UNKNOWN
