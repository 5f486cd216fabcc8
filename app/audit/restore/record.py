"""What a restore lost, as its statement and its entry say it (pure)."""

from dataclasses import dataclass, field

from app.audit.restore.custody import Custodians, statement_text
from app.audit.tree.checkpoint import Checkpoint
from app.audit.tree.epoch import next_origin
from app.audit.tree.merkle import CompactRange
from app.kernel.facts import fact

ACTION = "acknowledge-restore"


@dataclass(frozen=True)
class Restored:
    """What the statement and the entry say; roots in hexadecimal."""

    previous_origin: str
    previous_size: int
    previous_root: str
    restored_size: int
    restored_root: str
    origin: str

    def statement(self, custodians: Custodians) -> str:
        """As the custodians sign them."""
        texts = {key: str(value) for key, value in vars(self).items()}
        return statement_text(ACTION, {**texts, "custodians": custodians.digest})

    @classmethod
    def of(cls, last: Checkpoint, tree: CompactRange) -> "Restored":
        """Say what was signed last, and what the database has now."""
        return cls(
            previous_origin=last.origin,
            previous_size=last.size,
            previous_root=last.root.hex(),
            restored_size=tree.size,
            restored_root=tree.root.hex(),
            origin=next_origin(last.origin),
        )

    def follows(self, last: Checkpoint) -> bool:
        """Whether this restore comes after a checkpoint."""
        previous = (self.previous_origin, self.previous_size, self.previous_root)
        return previous == (last.origin, last.size, last.root.hex())


@dataclass(frozen=True)
class RestoreRecord:
    """``log.restored``.

    Attributes:
        statement: digest of what two custodians signed.
        custodians: digest of the list that names them.
    """

    restored: Restored = field(metadata=fact(inline=True))
    statement: str
    custodians: str
