"""The tries: one for each thing that people add. docs/architecture.md tells the same in words.

The knob and the signal are such that agents are told of them, since the next form, the third.
"""

from tests.architecture.tries.tried import Edit, Try

TERMS = "app/access/floor/terms.py"
TEXT = "app/web/words/text.py"
DECIDE = "app/web/employee/decide_words.py"
TOLD = (
    "tests/policy/test_forms.py",
    "tests/agents/test_guard_forms.py",
    "tests/agents/test_forms.py",
    "tests/event/test_document_schemas.py",
    "tests/event/test_unknowns.py",
    "tests/capture/test_trial.py",
)
"""What shows that agents of a form go on under a service that has a newer one, and that events of
their form are judged as before."""

SIGNAL = Try(
    name="signal",
    most=4,
    edits=(
        Edit(
            "app/kernel/vocabulary.py",
            "\n\nSIGNALS = tuple(signal.row for signal in Signal)",
            '    SCROLL = SignalRow("scroll", "how far a page is scrolled", since=3)\n',
        ),
        Edit(
            TEXT,
            '    "app_url": "App and address",\n',
            '    "scroll": "Scrolling",\n',
            named=f"{TEXT}, SIGNAL_WORDS",
        ),
        Edit(
            TEXT,
            '    "app_url": "app in use",\n',
            '    "scroll": "scrolling",\n',
            named=f"{TEXT}, SENTENCE_WORDS",
        ),
        Edit(
            "app/web/templates/symbols.svg",
            '<symbol id="signal-app_url"',
            '<symbol id="signal-scroll" viewBox="0 0 20 20"><path d="M10 3v14M6 7l4-4 4 4M6 13l4 4 4-4"/></symbol>\n',
        ),
        Edit(
            "docs/integrate-an-agent.md",
            "| `app_url` | which app or site is in use |",
            "| `scroll` | how far a page is scrolled |\n",
        ),
        Edit(
            DECIDE,
            '        "app_url": "Programm und Adresse",\n',
            '        "scroll": "Blättern",\n',
            named=f"{DECIDE}, de",
            catalogue=True,
        ),
        Edit(
            DECIDE,
            '        "app_url": "welches Programm oder welche Seite benutzt wird",\n',
            '        "scroll": "wie weit eine Seite geblättert wird",\n',
            named=f"{DECIDE}, de",
            catalogue=True,
        ),
    ),
    guards=(
        "tests/kernel/test_vocabulary.py::test_every_signal_has_words_a_pictogram_and_a_line_for_whoever_builds_an_agent",
        "tests/policy/test_golden.py",
    ),
    whole=TOLD,
)

KNOB = Try(
    name="knob",
    most=3,
    edits=(
        Edit(
            "app/policy/knobs.py",
            'LEASE_TTL_S = Knob("lease_ttl_s"',
            "SCREENSHOT_MAX_WIDTH_PX: Knob[int | None] = Knob(\n"
            '    "screenshot_max_width_px", Number(320, 100_000, "pixel"), least, None,\n'
            "    AgentPart(Applied(), _SCREENSHOT), since=3,\n"
            ")\n",
        ),
        Edit(
            "app/policy/knobs.py",
            "        LEASE_TTL_S,\n",
            "        SCREENSHOT_MAX_WIDTH_PX,\n",
            named="screenshot_max_width_px",
        ),
        Edit(
            "app/web/words/policy_words.py",
            '    "lease_ttl_s": "Life of a lease",\n',
            '    "screenshot_max_width_px": "Widest screenshot",\n',
        ),
        Edit(
            "docs/knobs.md",
            "| `lease_ttl_s` |",
            "| `screenshot_max_width_px` | 320 to 100000 (pixel) | the smallest | no limit | since form 3; older: screenshot | The widest screenshot that is kept. |\n",
        ),
    ),
    guards=("tests/policy/test_knobs.py", "tests/policy/test_golden.py"),
    whole=TOLD,
)

PURPOSE = Try(
    name="purpose",
    most=4,
    edits=(
        Edit(
            TERMS,
            '        "safeguard.redaction": Terms(',
            '        "ai_training.accessibility": Terms(),\n',
        ),
        Edit(
            "policies/purposes.yaml",
            "  safeguard.redaction:\n",
            "  ai_training.accessibility:\n"
            "    label: Training accessibility models\n"
            "    description: Training models that help people who cannot use a mouse.\n"
            "    dpv: [https://w3id.org/dpv#ResearchAndDevelopment]\n"
            "    related: []\n"
            "    fides: [train_ai_system]\n"
            "    obligations: [retain_days, purpose, no_individual_evaluation]\n",
            named="purposes.yaml: allowed.ai_training.accessibility",
        ),
        Edit(
            TEXT,
            '    "safeguard.redaction": "',
            '    "ai_training.accessibility": "training accessibility models",\n',
        ),
        Edit(
            "policies/regions/GLOBAL.yaml",
            "      - safeguard.redaction\n",
            "      - ai_training.accessibility\n",
        ),
        Edit(
            DECIDE,
            '        "audit.compliance": "Prüfung, ',
            '        "ai_training.accessibility": "Training von Modellen für Barrierefreiheit",\n',
            named=f"{DECIDE}, de",
            catalogue=True,
        ),
    ),
    guards=(
        "tests/access/test_purpose_file.py",
        "tests/policy/test_shipped_data.py::TestFloors",
    ),
)

REGION = Try(
    name="region",
    most=3,
    edits=(
        Edit(
            "policies/regions/NZ.yaml",
            "",
            "region: NZ\n"
            "name: New Zealand\n"
            "parent: GLOBAL\n"
            "status: approved\n"
            "valid_from: 2020-12-01\n"
            "valid_to: null\n"
            'reviewed_by: "default shipped with Habeas; your legal team confirms it"\n'
            "summary: Collected for a lawful purpose, and the person is told.\n"
            "knobs:\n"
            "  bases:\n"
            "    value: [consent, acknowledgement]\n"
            '    cite: "Privacy Act 2020 s.22, principles 1 and 3"\n'
            "    confidence: G\n",
        ),
        Edit(
            "docs/law.md",
            "| IN | 2025-11-14 |",
            "| NZ | 2020-12-01 | consent or acknowledgement | – | as GLOBAL | Privacy Act 2020 (G) |\n",
        ),
        Edit(
            DECIDE,
            '        "NO": "Norwegen",\n',
            '        "NZ": "Neuseeland",\n',
            named=f"{DECIDE}, de: NZ",
            catalogue=True,
        ),
    ),
    guards=("tests/policy/test_shipped_data.py::TestFloors",),
    whole=("tests/policy/test_files.py",),
)

PAGE = Try(
    name="page for the data protection officer",
    most=4,
    edits=(
        Edit(
            "app/web/auditor/non_use.py",
            "",
            '"""What was asked of captured data and refused, on one page, for whoever must know."""\n\n'
            "from fastapi import APIRouter\n"
            "from starlette.responses import HTMLResponse\n\n"
            "from app.web.shell.visit import ReadVisit, needs\n\n"
            "router = APIRouter()\n\n\n"
            '@router.get("/non-use", dependencies=[needs("log", "read")])\n'
            "def show_non_use(visit: ReadVisit) -> HTMLResponse:\n"
            '    """The page."""\n'
            '    return visit.page("auditor_non_use.html")\n',
        ),
        Edit(
            "app/web/templates/auditor_non_use.html",
            "",
            '{% extends "base.html" %}\n'
            '{% import "auditor_parts.html" as parts with context %}\n'
            "{% block title %}Non-use · Log · Habeas{% endblock %}\n"
            "{% block main %}<h1>What was refused</h1>{% endblock %}\n",
            named="auditor_non_use.html",
        ),
        Edit(
            "app/web/auditor/pages.py",
            "from app.web.auditor.asked import",
            "from app.web.auditor import non_use\n",
            named="non_use",
        ),
        Edit(
            "app/web/auditor/pages.py",
            "\nPAGE = 50",
            "\nrouter.include_router(non_use.router)\n",
            named="app.web.auditor.non_use",
        ),
        Edit(
            "app/web/templates/auditor_parts.html",
            '("health", "/auditor/health", "Health")',
            '("non_use", "/auditor/non-use", "Non-use"), ',
            named="app/web/templates leads to /auditor/non-use",
        ),
    ),
    guards=(
        "tests/architecture/test_pages_are_reached.py",
        "tests/architecture/test_rights_of_pages.py",
    ),
)

SESSIONS = "app/directory/sessions.py"
CHANGES = "tests/architecture/test_every_change_is_an_entry.py"

KIND = Try(
    name="kind of entry",
    most=4,
    edits=(
        Edit(
            "app/audit/entries/model.py",
            '    SESSION_ENDED = "session.ended"\n',
            '    SESSION_RENEWED = "session.renewed"\n',
        ),
        Edit(
            "app/web/words/log_words.py",
            '    "session.ended": "Signed out",\n',
            '    "session.renewed": "Signed in again",\n',
        ),
        Edit(
            SESSIONS,
            "    def end(self, tx: Tx, token: str, now: datetime) -> None:\n",
            "    def renew(self, tx: Tx, person_id: str, now: datetime) -> None:\n"
            '        """Note that somebody signed in again."""\n'
            '        self._log.append(tx, Event(Kind.SESSION_RENEWED, Actor("person", person_id)), now)\n\n',
            named="no service appends session.renewed",
        ),
        Edit(
            CHANGES,
            '    "SessionService.end": lambda s:',
            '    "SessionService.renew": lambda s: s.services.sessions.renew(s.tx, EMPLOYEE, s.now),\n',
            named="SessionService.renew",
        ),
        Edit(
            CHANGES,
            '    "SessionService.end": "session.ended",\n',
            '    "SessionService.renew": "session.renewed",\n',
            named="SessionService.renew",
        ),
    ),
    guards=(
        "tests/architecture/test_kinds.py",
        f"{CHANGES}::test_every_method_is_placed",
    ),
    whole=(CHANGES, "tests/web/test_auditor_rows.py"),
)

TRIES = (SIGNAL, KNOB, PURPOSE, REGION, PAGE, KIND)
