"""Erasures that the log records: each signed by two custodians.

``subject.erased`` names a statement, a document of the export. It carries the signatures of two
custodians of the list that was adopted last before it, and says whom, on which ground, in which
log.

Whom a restored database brought back, or a crash left half erased, is erased again at the next
start; the entry says ``again`` and names no statement. Such entries are counted and reported.

With a replay this is part of it, and a finding is one of policy. Without one the few entries that
it takes are looked at all the same, and a finding is added to those about restores.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.audit.entries.model import Kind
from app.audit.entries.records import CustodiansAdoption, LogOpening
from app.audit.restore.custody import parse_custodians, require_two
from app.audit.restore.record import RestoreRecord
from app.kernel.errors import HabeasError
from app.kernel.facts import decode
from app.rights.model import ErasureRecord, statement_of
from app.sdk.verify.folded.people import Documents, Unknown
from app.sdk.verify.run import Run

AGREED_KINDS = frozenset(
    {
        Kind.LOG_OPENED,
        Kind.LOG_RESTORED,
        Kind.LOG_CUSTODIANS_ADOPTED,
        Kind.SUBJECT_ERASED,
        Kind.SEALS_REBUILT,
    }
)
"""What two custodians agree to, and what it is held against: the log's names, the lists."""


class ErasureCheck:
    """Takes lists of custodians and erasures in order.

    Attributes:
        done: how many two custodians signed, by digest of the list that names them.
        again: how many only repeat one.
    """

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._listed: str | None = None
        self.done: Counter[str] = Counter()
        self.again = 0
        self._first_again: int | None = None

    def adopted(self, _position: int, leaf: Mapping[str, Any]) -> Iterator[str]:
        """Take ``log.custodians_adopted``."""
        yield from ()
        self._listed = decode(CustodiansAdoption, leaf["facts"]).custodians

    def erased(
        self, position: int, leaf: Mapping[str, Any], names: tuple[str, ...]
    ) -> Iterator[str]:
        """Take ``subject.erased``; ``names``: those that the log has had by then."""
        record = decode(ErasureRecord, leaf["facts"])
        (pseudonym,) = leaf["subjects"]
        if record.again and record.basis is record.statement is None:
            self.again += 1
            self._first_again = position if self._first_again is None else self._first_again
            return
        if record.basis is None:
            yield f"erases {pseudonym} on no ground"
            return
        note = self._document(record.statement)
        listed, problem = self._document(self._listed), "the log has no name"
        for name in names:
            try:
                text = statement_of(pseudonym, record.basis, name)
                require_two(note, text, parse_custodians(listed))
            except HabeasError as error:
                problem = error.problem
            else:
                self.done[str(self._listed)] += 1
                return
        yield f"erases {pseudonym} without the signatures of two custodians: {problem}"

    def _document(self, digest: str | None) -> bytes:
        content = None if digest is None else self._documents(digest)
        if content is None:
            raise Unknown(f"erases somebody by {digest or 'no list of custodians'}, not here")
        return content

    @property
    def notices(self) -> Iterator[str]:
        """Whose signatures erased people, and what no statement covers, as sentences."""
        for listed, count in self.done.items():
            was = "erasure was" if count == 1 else "erasures were"
            whose = f"two custodians of the list {listed}"
            yield f"{count} {was} signed by {whose}: is it the one you know?"
        if self.again:
            says = "entry says" if self.again == 1 else "entries say"
            yield (
                f"{self.again} {says} that somebody was erased again, after a restore or a crash; "
                f"the first is {self._first_again}. No statement in this log shows that two "
                "custodians agreed to it: ask for the receipts."
            )


def check_erasures(run: Run, agreed: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Check each erasure without a replay.

    Args:
        run: takes the findings, in addition to those about restores.
        agreed: position and leaf of every entry of ``AGREED_KINDS``, in order.
    """
    check, names = ErasureCheck(run.document), list[str]()
    for position, leaf in agreed:
        try:
            match Kind(leaf["kind"]):
                case Kind.LOG_CUSTODIANS_ADOPTED:
                    problems = tuple(check.adopted(position, leaf))
                case Kind.SUBJECT_ERASED:
                    problems = tuple(check.erased(position, leaf, tuple(names)))
                case Kind.SEALS_REBUILT:  # see reseals.py
                    problems = ()
                case Kind.LOG_OPENED:
                    problems = ()
                    names.append(decode(LogOpening, leaf["facts"]).origin)
                case _:
                    problems = ()
                    names.append(decode(RestoreRecord, leaf["facts"]).restored.origin)
        except Unknown as unknown:
            problems = (str(unknown),)
        except (KeyError, TypeError, ValueError, AttributeError) as unfit:
            problems = (f"lacks what its kind must say: {unfit}",)
        for problem in problems:
            run.completeness.add(f"entry {position} {problem}", position)
    run.notes += check.notices
