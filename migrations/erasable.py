"""What erasure may do to append-only tables, and nothing else may (docs/adr/0012).

Rules:
1. A row may be deleted while it names a person who is being erased: somebody with a row in
   ``audit_erasure`` and, until the end of the erasing transaction, still one in ``audit_subject``.
2. A row that must stay may be changed so far that the pseudonym of such a person takes the place
   of the id, and a note next to it becomes empty.
3. A row of ``audit_erasure`` needs its entry of the log in the same transaction, so nothing goes
   unseen.
4. PostgreSQL's functions look for tables in the schema of the log only: a session could otherwise
   put temporary tables of the same names before the real ones.

Frozen like a migration: a changed rule is a new function, used by a new migration.
"""

from dataclasses import dataclass

from alembic import op

_BEING_ERASED = (
    "EXISTS (SELECT 1 FROM audit_subject JOIN audit_erasure"
    " ON audit_erasure.pseudonym = audit_subject.pseudonym"
    " WHERE audit_subject.person_id = {person})"
)
_BECOMES = _BEING_ERASED[:-1] + " AND audit_subject.pseudonym = NEW.{column})"
_REFUSAL = (
    "RAISE EXCEPTION '% on % is refused: the table is append-only', TG_OP, TG_TABLE_NAME "
    "USING ERRCODE = 'integrity_constraint_violation'"
)

_FUNCTIONS = {
    "habeas_pseudonym_of_erased(person text)": (
        "RETURNS text LANGUAGE sql STABLE AS $$ SELECT audit_subject.pseudonym FROM audit_subject "
        "JOIN audit_erasure ON audit_erasure.pseudonym = audit_subject.pseudonym "
        "WHERE audit_subject.person_id = person $$"
    ),
    "habeas_only_erased()": (
        "RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE named text; BEGIN "
        "FOREACH named IN ARRAY TG_ARGV LOOP "
        "IF habeas_pseudonym_of_erased(to_jsonb(OLD) ->> named) IS NOT NULL THEN RETURN OLD; "
        f"END IF; END LOOP; {_REFUSAL}; END $$"
    ),
    "habeas_only_erased_device()": (
        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM agent_device WHERE device_id = OLD.device_id "
        "AND habeas_pseudonym_of_erased(person_id) IS NOT NULL) THEN RETURN OLD; END IF; "
        f"{_REFUSAL}; END $$"
    ),
    "habeas_only_erased_pseudonym()": (
        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM audit_erasure "
        "WHERE pseudonym = to_jsonb(OLD) ->> TG_ARGV[0]) THEN RETURN OLD; END IF; "
        f"{_REFUSAL}; END $$"
    ),
    # The first argument is the column of the note, or ''; the others name people.
    "habeas_only_renamed()": (
        "RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE "
        "before jsonb := to_jsonb(OLD); after jsonb := to_jsonb(NEW); named text; "
        "moved boolean := false; BEGIN "
        "FOREACH named IN ARRAY TG_ARGV[1:] LOOP "
        "IF after ->> named IS DISTINCT FROM before ->> named THEN "
        "IF after ->> named IS NULL OR after ->> named IS DISTINCT FROM "
        f"habeas_pseudonym_of_erased(before ->> named) THEN {_REFUSAL}; END IF; "
        "moved := true; END IF; before := before - named; after := after - named; END LOOP; "
        "IF after ->> TG_ARGV[0] = '' THEN before := before - TG_ARGV[0]; "
        "after := after - TG_ARGV[0]; END IF; "
        f"IF moved AND before = after THEN RETURN NEW; END IF; {_REFUSAL}; END $$"
    ),
    "audit_erasure_is_entered()": (
        "RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF EXISTS (SELECT 1 FROM audit_pending WHERE event_id = NEW.event_id "
        "AND position(convert_to('\"kind\":\"subject.erased\"', 'UTF8') IN submission) > 0 "
        "AND position(convert_to(NEW.pseudonym, 'UTF8') IN submission) > 0) THEN RETURN NEW; "
        "END IF; RAISE EXCEPTION 'an erasure has its entry' "
        "USING ERRCODE = 'integrity_constraint_violation'; END $$"
    ),
}


@dataclass(frozen=True)
class Erasable:
    """What erasure may do to one table.

    Attributes:
        people: columns of which one naming somebody erased makes the row deletable.
        device: the row belongs to the laptop in ``device_id``, and with it to its person.
        pseudonym: the column that holds the pseudonym of the row's person.
        renamed: columns in which a pseudonym may take the place of an id.
        rest: all other columns of a table with ``renamed``.
        note: the column of free text that may become empty when a row is renamed.
    """

    people: tuple[str, ...] = ()
    device: bool = False
    pseudonym: str = ""
    renamed: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    note: str = ""


def create_functions() -> None:
    """Create what PostgreSQL's triggers call (rule 4)."""
    if op.get_bind().dialect.name == "postgresql":
        for signature, body in _FUNCTIONS.items():
            op.execute(f"CREATE FUNCTION {signature} {body}")
            pin(signature)


def drop_functions() -> None:
    """Drop them (for downgrades only)."""
    if op.get_bind().dialect.name == "postgresql":
        for signature in reversed(_FUNCTIONS):
            op.execute(f"DROP FUNCTION {signature}")


def pin(signature: str) -> None:
    """Let a function of PostgreSQL see this schema only, temporary tables last (rule 4)."""
    schema = op.get_bind().exec_driver_sql("SELECT quote_ident(current_schema())").scalar_one()
    op.execute(f"ALTER FUNCTION {signature} SET search_path = {schema}, pg_temp")


def unpin(signature: str) -> None:
    """Undo ``pin`` (for downgrades only)."""
    op.execute(f"ALTER FUNCTION {signature} RESET search_path")


def open_for_erasure(table: str, what: Erasable) -> None:
    """Let erasure through on a table that ``protect`` guards; everything else stays refused."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
        _trigger(table, "delete", _delete_function(what))
        renamed = f"habeas_only_renamed({_quoted((what.note, *what.renamed))})"
        _trigger(table, "update", renamed if what.renamed else "habeas_refuse()")
        return
    _sqlite_trigger(table, "delete", f"WHEN NOT ({_may_be_deleted(what)})")
    if what.renamed:
        _sqlite_trigger(table, "update", f"WHEN NOT ({_may_be_renamed(what)})")


def close_for_erasure(table: str) -> None:
    """Refuse everything again, as ``protect`` does (for downgrades only)."""
    if op.get_bind().dialect.name == "postgresql":
        for moment in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{moment} ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION habeas_refuse()"
        )
        op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_change")
        return
    for moment in ("update", "delete"):
        _sqlite_trigger(table, moment, "")


def require_entry() -> None:
    """Refuse a row of ``audit_erasure`` without its entry of the log (rule 3)."""
    name = "audit_erasure_is_entered"
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER {name} BEFORE INSERT ON audit_erasure "
            f"FOR EACH ROW EXECUTE FUNCTION {name}()"
        )
        op.execute(f"ALTER TABLE audit_erasure ENABLE ALWAYS TRIGGER {name}")
        return
    op.execute(
        f"CREATE TRIGGER {name} BEFORE INSERT ON audit_erasure WHEN NOT EXISTS ("
        "SELECT 1 FROM audit_pending WHERE event_id = NEW.event_id "
        'AND instr(submission, CAST(\'"kind":"subject.erased"\' AS BLOB)) > 0 '
        "AND instr(submission, CAST(NEW.pseudonym AS BLOB)) > 0) "
        "BEGIN SELECT RAISE(ABORT, 'an erasure has its entry'); END"
    )


def _delete_function(what: Erasable) -> str:
    if what.device:
        return "habeas_only_erased_device()"
    if what.pseudonym:
        return f"habeas_only_erased_pseudonym('{what.pseudonym}')"
    return f"habeas_only_erased({_quoted(what.people)})" if what.people else "habeas_refuse()"


def _may_be_deleted(what: Erasable) -> str:
    if what.device:
        device = "(SELECT person_id FROM agent_device WHERE device_id = OLD.device_id)"
        return _BEING_ERASED.format(person=device)
    if what.pseudonym:
        return f"EXISTS (SELECT 1 FROM audit_erasure WHERE pseudonym = OLD.{what.pseudonym})"
    return " OR ".join(_BEING_ERASED.format(person=f"OLD.{one}") for one in what.people) or "0"


def _may_be_renamed(what: Erasable) -> str:
    moved = " OR ".join(f"NEW.{one} IS NOT OLD.{one}" for one in what.renamed)
    conditions = [f"({moved})", *(f"NEW.{one} IS OLD.{one}" for one in what.rest)]
    if what.note:
        conditions.append(f"(NEW.{what.note} IS OLD.{what.note} OR NEW.{what.note} = '')")
    for one in what.renamed:
        becomes = _BECOMES.format(person=f"OLD.{one}", column=one)
        conditions.append(f"(NEW.{one} IS OLD.{one} OR {becomes})")
    return " AND ".join(conditions)


def _trigger(table: str, moment: str, function: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_no_{moment} BEFORE {moment.upper()} ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {function}"
    )
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_{moment}")


def _sqlite_trigger(table: str, moment: str, condition: str) -> None:
    op.execute(f"DROP TRIGGER {table}_no_{moment}")
    op.execute(
        f"CREATE TRIGGER {table}_no_{moment} BEFORE {moment.upper()} ON {table} {condition} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
    )


def _quoted(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)
