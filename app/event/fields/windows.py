"""Field words of Windows: UI Automation's control type and IsPassword of the focus (pure).

Source: UIAutomationClient.h, control type ids (UIA_…ControlTypeId) and UIA_IsPasswordPropertyId.
"""

from app.event.fields.table import FieldTable
from app.kernel.vocabulary import FieldKind

_NONE, _TEXT, _UNKNOWN = FieldKind.NONE, FieldKind.TEXT, FieldKind.UNKNOWN

CONTROL_TYPES: dict[int, tuple[str, FieldKind]] = {
    50000: ("Button", _NONE),
    50001: ("Calendar", _NONE),
    50002: ("CheckBox", _NONE),
    50003: ("ComboBox", _TEXT),
    50004: ("Edit", _TEXT),
    50005: ("Hyperlink", _NONE),
    50006: ("Image", _NONE),
    50007: ("ListItem", _NONE),
    50008: ("List", _NONE),
    50009: ("Menu", _NONE),
    50010: ("MenuBar", _NONE),
    50011: ("MenuItem", _NONE),
    50012: ("ProgressBar", _NONE),
    50013: ("RadioButton", _NONE),
    50014: ("ScrollBar", _NONE),
    50015: ("Slider", _NONE),
    50016: ("Spinner", _TEXT),
    50017: ("StatusBar", _NONE),
    50018: ("Tab", _NONE),
    50019: ("TabItem", _NONE),
    50020: ("Text", _NONE),
    50021: ("ToolBar", _NONE),
    50022: ("ToolTip", _NONE),
    50023: ("Tree", _NONE),
    50024: ("TreeItem", _NONE),
    50025: ("Custom", _UNKNOWN),
    50026: ("Group", _UNKNOWN),
    50027: ("Thumb", _NONE),
    50028: ("DataGrid", _TEXT),
    50029: ("DataItem", _TEXT),
    50030: ("Document", _UNKNOWN),  # a text that is written, or a page that hides its fields
    50031: ("SplitButton", _NONE),
    50032: ("Window", _UNKNOWN),
    50033: ("Pane", _UNKNOWN),
    50034: ("Header", _NONE),
    50035: ("HeaderItem", _NONE),
    50036: ("Table", _TEXT),
    50037: ("TitleBar", _NONE),
    50038: ("Separator", _NONE),
    50039: ("SemanticZoom", _UNKNOWN),
    50040: ("AppBar", _UNKNOWN),
}
"""Name and word of each control type. Items of data grids are the cells of a sheet."""

NOTE = """\
If the property IsPassword is true, the word is `password`. If an element does not answer about it,
the word is `unknown`, but for those with `none`. One that is `unknown` by its type is `text` if it
is edited itself: it has the TextEdit pattern, or the Value pattern and is not read-only.
"""
"""What the page says before the tables."""

TABLES = (
    FieldTable(
        "control type",
        "UIAutomationClient.h",
        {f"{number} {name}": word for number, (name, word) in CONTROL_TYPES.items()},
    ),
)


def windows(control_type: int, *, is_password: bool | None, editable: bool = False) -> FieldKind:
    """The field word of the focused UI Automation element.

    >>> windows(50004, is_password=True).value, windows(50004, is_password=False).value
    ('password', 'text')
    >>> windows(50004, is_password=None).value, windows(50000, is_password=None).value
    ('unknown', 'none')

    Args:
        control_type: UIA_ControlTypePropertyId (30003).
        is_password: UIA_IsPasswordPropertyId (30019); None if the element did not answer.
        editable: the element is edited itself: it has the TextEdit pattern, or the Value pattern
            and is not read-only.
    """
    if is_password:
        return FieldKind.PASSWORD
    _, word = CONTROL_TYPES.get(control_type, ("", None))
    if word is FieldKind.NONE:
        return FieldKind.NONE
    if word is None or is_password is None:
        return FieldKind.UNKNOWN
    return FieldKind.TEXT if editable else word
