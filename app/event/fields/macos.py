"""Field words of macOS: accessibility role and subrole of the focused element (pure).

Source: NSAccessibilityRole and NSAccessibilitySubrole (AppKit), AXRoleConstants.h; WebKit's own
roles for pages.
"""

from app.event.fields.table import FieldTable, strictest
from app.kernel.vocabulary import FieldKind

_CONTAINERS = (
    "AXApplication",
    "AXBrowser",
    "AXDrawer",
    "AXGroup",
    "AXLayoutArea",
    "AXLayoutItem",
    "AXMatte",
    "AXPage",
    "AXPopover",
    "AXScrollArea",
    "AXSheet",
    "AXSplitGroup",
    "AXSystemWide",
    "AXTabGroup",
    "AXUnknown",
    "AXWebArea",
    "AXWindow",
)
"""What can have the focus in place of a field that the program does not show."""
_NO_INPUT = (
    "AXBusyIndicator",
    "AXButton",
    "AXCheckBox",
    "AXColorWell",
    "AXColumn",
    "AXDisclosureTriangle",
    "AXDockItem",
    "AXGrowArea",
    "AXHandle",
    "AXHeading",
    "AXHelpTag",
    "AXImage",
    "AXImageMap",
    "AXIncrementor",
    "AXIncrementorArrow",
    "AXLevelIndicator",
    "AXLink",
    "AXList",
    "AXListMarker",
    "AXMenu",
    "AXMenuBar",
    "AXMenuBarItem",
    "AXMenuButton",
    "AXMenuItem",
    "AXOutline",
    "AXPopUpButton",
    "AXProgressIndicator",
    "AXRadioButton",
    "AXRadioGroup",
    "AXRelevanceIndicator",
    "AXRow",
    "AXRuler",
    "AXRulerMarker",
    "AXScrollBar",
    "AXSlider",
    "AXSplitter",
    "AXStaticText",
    "AXToolbar",
    "AXValueIndicator",
)
_TEXTS = (
    "AXCell",
    "AXComboBox",
    "AXDateField",
    "AXDateTimeArea",
    "AXGrid",
    "AXTable",
    "AXTextArea",
    "AXTextField",
    "AXTimeField",
)
"""Cells and tables among them: a sheet takes what is typed."""

ROLES: dict[str, FieldKind | None] = {
    **dict.fromkeys(_TEXTS, FieldKind.TEXT),
    "AXSearchField": FieldKind.SEARCH,
    "AXSecureTextField": FieldKind.PASSWORD,
    **dict.fromkeys(_NO_INPUT, FieldKind.NONE),
    **dict.fromkeys(_CONTAINERS, FieldKind.UNKNOWN),
}

_SAY_NOTHING = (
    "AXCloseButton",
    "AXCollectionList",
    "AXContentList",
    "AXDecrementArrow",
    "AXDecrementPage",
    "AXDefinitionList",
    "AXDescriptionList",
    "AXDialog",
    "AXFloatingWindow",
    "AXFullScreenButton",
    "AXIncrementArrow",
    "AXIncrementPage",
    "AXMinimizeButton",
    "AXOutlineRow",
    "AXRatingIndicator",
    "AXSectionList",
    "AXSortButton",
    "AXStandardWindow",
    "AXSwitch",
    "AXSystemDialog",
    "AXSystemFloatingWindow",
    "AXTabButton",
    "AXTableRow",
    "AXTextAttachment",
    "AXTextLink",
    "AXTimeline",
    "AXToggle",
    "AXToolbarButton",
    "AXZoomButton",
)
SUBROLES: dict[str, FieldKind | None] = {
    "AXSecureTextField": FieldKind.PASSWORD,
    "AXSearchField": FieldKind.SEARCH,
    "AXUnknown": FieldKind.UNKNOWN,
    **dict.fromkeys(_SAY_NOTHING),
}

NOTE = """\
An element with the role of a container is `text` if its own value can be set. While
`IsSecureEventInputEnabled` says yes, the word is at least `password`.
"""
"""What the page says before the tables."""

TABLES = (
    FieldTable("role", "NSAccessibilityRole; AXRoleConstants.h; WebKit", ROLES),
    FieldTable("subrole", "NSAccessibilitySubrole; AXRoleConstants.h", SUBROLES),
)


def macos(
    role: str,
    subrole: str | None = None,
    *,
    editable: bool = False,
    secure_input: bool = False,
) -> FieldKind:
    """The field word of the focused accessibility element.

    >>> macos("AXTextField", "AXSecureTextField").value, macos("AXTextArea").value
    ('password', 'text')
    >>> macos("AXWebArea").value, macos("AXButton").value
    ('unknown', 'none')

    Args:
        role: AXRole.
        subrole: AXSubrole; None or empty if the element has none.
        editable: the element's own value can be set (AXUIElementIsAttributeSettable).
        secure_input: some program takes in a secret at this moment (IsSecureEventInputEnabled).
    """
    word = ROLES.get(role, FieldKind.UNKNOWN)
    return strictest(
        FieldKind.TEXT if editable and role in _CONTAINERS else word,
        SUBROLES.get(subrole, FieldKind.UNKNOWN) if subrole else None,
        FieldKind.PASSWORD if secure_input else None,
    )
