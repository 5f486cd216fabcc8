"""Where a made-up engineer goes in one day, what happens there, and what a guard has to answer.

Each visit says by which reason it is refused, if it is, so that the recording can be held against
the guard (tests/demo). No text that anybody typed is here, only that something was.
"""

from app.demo.day.visit import (
    CHROME,
    CODE,
    EXCEL,
    OTHER_SIDE,
    SLACK,
    UNLISTED,
    UNREADABLE,
    WORKSPACE,
    RecordedVisit,
    RightAnswer,
    excluded,
)
from app.kernel.refusals import Refusal
from app.kernel.vocabulary import Signal

WRITING = "key_timing key_content key_timing key_content key_timing shortcut pointer click"
READING = "pointer pointer click pointer pointer shortcut"
DRAWING = "pointer click pointer pointer click menu shortcut pointer"
TALKING = "key_timing key_content click pointer key_timing shortcut"
PICTURED = f"{TALKING} screenshot"
TYPING = "key_timing key_content"
GLANCE = "pointer click"

TYPED = frozenset({Signal.KEY_TIMING, Signal.KEY_CONTENT, Signal.SCREENSHOT})
"""What the law in Germany and France, or the company's policy there, does not let be recorded."""
TEXT = frozenset({Signal.KEY_CONTENT})
"""The same in New York."""
PICTURE = frozenset({Signal.SCREENSHOT})
UNKNOWN_ADDRESS = "unknown"

GITHUB = "https://github.com/example-devices/firmware"
ATLASSIAN = "https://example-devices.atlassian.net"
DOCUMENT = "https://docs.google.com/document/d/1sampleSample/edit"
TICKET = "https://example-devices.zendesk.com/agent/tickets/4711"
BANK = "https://secure.chase.com/web/auth/dashboard"

ROUND = (
    RecordedVisit(CODE, WRITING, 61),
    RecordedVisit(CHROME, READING, 22, f"{GITHUB}/pull/1187"),
    RecordedVisit(CODE, WRITING, 36),
    RecordedVisit(CHROME, READING, 11, f"{ATLASSIAN}/browse/FW-2031"),
    RecordedVisit(SLACK, TALKING, 16, account=WORKSPACE, counterparties=("US-CA",)),
    RecordedVisit(CHROME, WRITING, 18, DOCUMENT),
    RecordedVisit(EXCEL, DRAWING, 14),
    RecordedVisit("com.figma.Desktop", DRAWING, 16),
    RecordedVisit("com.microsoft.Outlook", TALKING, 13, counterparties=("US-CA",)),
    RecordedVisit(CHROME, READING, 9, f"{ATLASSIAN}/wiki/spaces/FW/pages/77"),
    RecordedVisit("com.microsoft.teams2", TALKING, 10, counterparties=("US-CA",)),
    RecordedVisit("WINWORD.EXE", WRITING, 9),
)
"""Listed places, visited again and again."""

NOT_LISTED = (
    RecordedVisit("com.apple.finder", GLANCE, 5, None, UNLISTED),
    RecordedVisit("com.apple.Terminal", WRITING, 12, None, UNLISTED),
    RecordedVisit(CHROME, READING, 6, "https://news.example.org/today", UNLISTED),
    RecordedVisit(CHROME, READING, 5, "https://en.wikipedia.org/wiki/Habeas_data", UNLISTED),
    RecordedVisit("com.spotify.client", GLANCE, 4, None, UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "chrome://settings/", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 3, "https://intranet.example.com/canteen", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "file:///Users/sample/notes.html", UNREADABLE),
)
"""Places that no list names: refused because nothing allows them."""

ELSEWHERE = (
    RecordedVisit(
        CHROME, READING, 6, "https://mail.google.com/mail/u/0/#inbox", excluded("personal_mail")
    ),
    RecordedVisit(CHROME, READING, 6, BANK, excluded("banking")),
    RecordedVisit("com.1password.1password", GLANCE, 5, None, excluded("password_managers")),
    RecordedVisit(
        CHROME,
        READING,
        5,
        "https://wd5.myworkday.com/example/d/home.htmld",
        excluded("hr_payroll"),
    ),
    RecordedVisit(CHROME, READING, 5, "https://mychart.com/appointments", excluded("health")),
    RecordedVisit(CHROME, READING, 4, "https://www.cwa-union.org/join", excluded("union")),
    RecordedVisit("com.apple.MobileSMS", TALKING, 6, None, excluded("personal_messaging")),
    RecordedVisit(
        CHROME, READING, 4, "https://www.linkedin.com/jobs/search", excluded("job_search")
    ),
)
"""Places that are excluded wherever they are."""

INSIDE = (
    RecordedVisit(
        CHROME, TYPING, 4, f"{GITHUB}/login", excluded("password_fields"), field="password"
    ),
    RecordedVisit(CODE, TYPING, 3, None, excluded("password_fields"), field="password"),
    RecordedVisit(
        CHROME,
        TYPING,
        3,
        "https://github.com/sessions/two-factor",
        excluded("one_time_codes"),
        field="one_time_code",
    ),
    RecordedVisit(CHROME, READING, 4, f"{GITHUB}", excluded("private_browsing"), window="private"),
    RecordedVisit(
        CHROME, READING, 5, f"{ATLASSIAN}/wiki/spaces/HR/pages/12", excluded("hr_payroll")
    ),
    RecordedVisit(
        SLACK,
        TALKING,
        4,
        None,
        excluded("hr_payroll"),
        title="hr-questions (Channel) - Example Devices - Slack",
        account=WORKSPACE,
    ),
    RecordedVisit(EXCEL, DRAWING, 4, None, excluded("hr_payroll"), title="Payroll November.xlsx"),
    RecordedVisit(
        CHROME, TYPING, 3, "https://github.com/login", excluded("sign_in"), field="username"
    ),
    RecordedVisit(
        CHROME, READING, 4, "https://github.com/settings/keys", excluded("personal_settings")
    ),
    RecordedVisit(
        CHROME, READING, 3, f"{ATLASSIAN}/jira/settings/system", excluded("admin_consoles")
    ),
)
"""Excluded places inside listed apps: refused whatever a list says."""

ACCOUNTS = (
    RecordedVisit(
        CHROME,
        READING,
        4,
        "https://github.com/sample-person/diary",
        RightAnswer(Refusal.TENANT_OTHER),
    ),
    RecordedVisit(
        CHROME,
        WRITING,
        4,
        DOCUMENT,
        RightAnswer(Refusal.TENANT_OTHER),
        account="lane@private.example",
    ),
    RecordedVisit(
        SLACK, TALKING, 4, None, RightAnswer(Refusal.TENANT_OTHER), account="hiking-club"
    ),
    RecordedVisit(CHROME, WRITING, 4, DOCUMENT, RightAnswer(Refusal.TENANT_UNKNOWN), account=None),
)
"""Private accounts of listed apps, and an account that is not known."""

OTHERS = (
    RecordedVisit(
        "com.microsoft.Outlook",
        TALKING,
        8,
        None,
        RightAnswer(Refusal.COUNTERPARTY, signals=TEXT),
        counterparties=("US-NY", "US-CA"),
    ),
    RecordedVisit(
        SLACK,
        PICTURED,
        14,
        None,
        RightAnswer(Refusal.COUNTERPARTY, signals=TYPED),
        account=WORKSPACE,
        counterparties=("DE",),
    ),
    RecordedVisit(SLACK, TALKING, 5, None, OTHER_SIDE, account=WORKSPACE, counterparties=("NO",)),
    RecordedVisit(
        CHROME,
        PICTURED,
        14,
        TICKET,
        RightAnswer(Refusal.COUNTERPARTY, signals=TYPED),
        counterparties=("FR",),
    ),
    RecordedVisit(SLACK, TALKING, 4, None, OTHER_SIDE, account=WORKSPACE, counterparties=("JP",)),
    RecordedVisit("com.microsoft.Outlook", TALKING, 4, None, OTHER_SIDE, counterparties=None),
)
"""People on the other side: in regions of other laws, in one without a floor, and nobody knows."""

PICTURES = (
    RecordedVisit(
        CODE,
        GLANCE,
        3,
        None,
        RightAnswer(Refusal.EXCLUDED, "banking", PICTURE),
        title="main.c",
        pictured=(RecordedVisit(CHROME, GLANCE, 1, BANK),),
    ),
    RecordedVisit(
        CODE,
        GLANCE,
        3,
        None,
        RightAnswer(Refusal.APP_UNLISTED, signals=PICTURE),
        title="main.c",
        pictured=(RecordedVisit("com.spotify.client", GLANCE, 1),),
    ),
    RecordedVisit(
        CODE,
        GLANCE,
        3,
        None,
        RightAnswer(Refusal.COUNTERPARTY, signals=PICTURE),
        title="main.c",
        pictured=(RecordedVisit(SLACK, GLANCE, 1, account=WORKSPACE, counterparties=("DE",)),),
    ),
    RecordedVisit(
        CODE,
        GLANCE,
        3,
        None,
        RightAnswer(Refusal.PICTURE_UNKNOWN, signals=PICTURE),
        title="main.c",
        pictured=None,
    ),
    RecordedVisit(
        CODE,
        GLANCE,
        3,
        title="main.c",
        pictured=(RecordedVisit(CHROME, GLANCE, 1, f"{GITHUB}/pull/1187"),),
    ),
)
"""A listed program with other windows next to it on the picture."""

HOSTILE = (
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com@phish.example/login", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com.phish.example/login", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://github.com:8443/login", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 3, "https://notgithub.com/login", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/github.com/login", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/?next=https://github.com/", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://phish.example/#@github.com/", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://g\u0456thub.com/login", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 3, "https://docs.google.com/documentary/d/1", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://docs.google.com/document/../forms/d/1", UNREADABLE),
    RecordedVisit(
        CHROME, GLANCE, 3, "https://docs.google.com/document/%2e%2e/forms/d/1", UNREADABLE
    ),
    RecordedVisit(CHROME, GLANCE, 3, f"{ATLASSIAN}/wikileaks", UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, "https://atlassian.net.phish.example/wiki", UNLISTED),
    RecordedVisit(
        CHROME, GLANCE, 2, "https://MAIL.Google.com:443/mail/u/1/", excluded("personal_mail")
    ),
    RecordedVisit(CHROME, GLANCE, 2, "https://mail.google.com@github.com/mail/", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 2, "javascript:location='https://github.com/'", UNREADABLE),
    RecordedVisit(CHROME, GLANCE, 3, GITHUB.replace("https", "http"), UNLISTED),
    RecordedVisit(CHROME, GLANCE, 3, GITHUB, UNLISTED, frames=("https://ads.example.org/1",)),
    RecordedVisit(CODE, WRITING, 4, None, UNLISTED, signer="SAMPLE0000"),
    RecordedVisit("Code.exe", WRITING, 4, None, UNLISTED, signer="Sample Tools Ltd"),
)
"""Made to look listed, or to hide an excluded host: all refused."""

NOT_KNOWN = (
    RecordedVisit(
        CHROME, READING, 4, GITHUB, RightAnswer(Refusal.WINDOW_UNKNOWN), window="unknown"
    ),
    RecordedVisit(CHROME, READING, 4, GITHUB, RightAnswer(Refusal.FIELD_UNKNOWN), field="unknown"),
    RecordedVisit(CHROME, READING, 4, GITHUB, RightAnswer(Refusal.TITLE_UNKNOWN), title=None),
    RecordedVisit(CHROME, READING, 4, GITHUB, RightAnswer(Refusal.FRAME_UNKNOWN), frames=None),
    RecordedVisit(CHROME, READING, 4, UNKNOWN_ADDRESS, RightAnswer(Refusal.ADDRESS_UNKNOWN)),
    RecordedVisit(CODE, WRITING, 4, None, RightAnswer(Refusal.PROGRAM_UNKNOWN), signer=None),
)
"""What the recorder does not know: refused."""

SPELLINGS = (
    RecordedVisit(CHROME, READING, 4, "HTTPS://GitHub.COM/example-devices/firmware"),
    RecordedVisit(CHROME, READING, 4, "https://github.com:443/example-devices/firmware/issues"),
    RecordedVisit(CHROME, READING, 4, "https://github.com./example-devices/firmware/actions"),
    RecordedVisit(CHROME, READING, 4, "https://docs.google.com/document?usp=homescreen"),
)
"""Listed places, oddly written: captured like any other."""

BETWEEN = (
    *NOT_LISTED,
    *ELSEWHERE,
    *INSIDE,
    *ACCOUNTS,
    *OTHERS,
    *PICTURES,
    *HOSTILE,
    *NOT_KNOWN,
    *SPELLINGS,
)
"""All that comes in between, each once."""
