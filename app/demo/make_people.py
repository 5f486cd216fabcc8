"""Makes data/people.csv: the sample organisation, the same every time.

Nobody here exists. Every family name means "sample" in the language of its country, every address
is at example.com. Ids never move: documents, tests and the tour speak of them (data/README.md).

Run it with ``python -m app.demo.make_people`` after a change, and commit the file it writes.
"""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PEOPLE = Path(__file__).parent / "data" / "people.csv"

HEADER = (
    "id",
    "name",
    "email",
    "region",
    "place_of_work",
    "entity",
    "department",
    "manager",
    "roles",
)

ENTITIES = {
    "US": "US/Example Devices Inc",
    "GB": "GB/Example Devices Ltd",
    "DE": "DE/Beispiel Geräte GmbH",
    "FR": "FR/Exemple Appareils SAS",
    "IN": "IN/Namuna Devices Pvt Ltd",
    "NO": "NO/Eksempel Enheter AS",
    "IT": "IT/Esempio Dispositivi Srl",
    "JP": "JP/Mihon Devices KK",
    "CA-QC": "CA-QC/Appareils Gabarit inc.",
    "BR": "BR/Dispositivos Exemplo Ltda",
}
"""The employing entity of a region, or of the country that it is part of."""

NAMES = {
    "US-CA": (
        "Sample",
        (
            "Avery Blake Casey Dana Ellis Frances Gray Harper Ivory Jules Kai Lane Morgan Nico "
            "Oakley Parker Quinn Reese Sage Taylor"
        ),
    ),
    "US-NY": (
        "Specimen",
        "Ada Bruno Clara Dario Edith Felix Greta Hugo Iris Jonas Kira Leo Mona Nils Olga Paul Rosa",
    ),
    "offices": ("Placeholder", "Alma Boris Celia Dexter Elsa Floyd"),
    "GB": (
        "Example",
        "Alfie Bess Cora Dylan Edie Freya George Hazel Isla Jack Kit Lottie Miles Nell Oscar",
    ),
    "DE": (
        "Muster",
        (
            "Anke Bernd Carla Dirk Elke Fritz Gesa Heiko Ines Jörg Katrin Lutz Meike Norbert "
            "Petra Ralf Silke Thomas Ute Volker Wiebke Xaver"
        ),
    ),
    "FR": ("Exemple", "Aurélie Benoît Chloé Damien Élise Fabien Gaëlle Hervé Inès Julien"),
    "IN": (
        "Namuna",
        "Aarav Bhavna Chetan Divya Esha Farhan Gita Hari Isha Jatin Kavya Lalit Meera Nikhil",
    ),
    "NO": ("Eksempel", "Astrid Bjarne Dagny Einar Frida Gunnar Hilde"),
    "IT": ("Esempio", "Alba Bruno Chiara Dario"),
    "JP": ("Mihon", "Aiko Daichi Emi"),
    "CA-QC": ("Gabarit", "Adèle Bastien Corinne"),
    "BR": ("Exemplo", "Aline Bento Caio"),
}
"""Family name and given names of each region, and of the offices of finance and law in the United
States; people take them in the order of their ids."""


@dataclass(frozen=True)
class Post:
    """One place in the organisation: where, in which department, under whom, with which roles.

    Attributes:
        named: whose names are taken; empty: the region's.
    """

    region: str
    department: str
    manager: str
    roles: str = ""
    named: str = ""


LEADERS = (
    Post("US-CA", "Executive", ""),
    Post("US-CA", "Engineering", "E-0001"),
    Post("US-NY", "Product", "E-0001"),
    Post("US-NY", "Sales", "E-0001"),
    Post("GB", "Support", "E-0001"),
    Post("US-NY", "Finance", "E-0001", named="offices"),
    Post("GB", "People", "E-0001", "hr"),
    Post("US-NY", "Legal", "E-0001", "legal@GLOBAL;legal@US", named="offices"),
    Post("DE", "Operations", "E-0001"),
    Post("US-CA", "Engineering", "E-0002"),
    Post("US-NY", "Engineering", "E-0002"),
    Post("US-CA", "Engineering", "E-0002"),
    Post("DE", "Engineering", "E-0002"),
    Post("IN", "Engineering", "E-0002"),
    Post("NO", "Engineering", "E-0002"),
    Post("FR", "Design", "E-0003"),
    Post("GB", "Product", "E-0003"),
    Post("US-NY", "Sales", "E-0004"),
    Post("DE", "Sales", "E-0004"),
    Post("BR", "Sales", "E-0004"),
    Post("GB", "Support", "E-0005"),
    Post("IN", "Support", "E-0005"),
    Post("CA-QC", "Support", "E-0005"),
    Post("US-NY", "Finance", "E-0006", named="offices"),
    Post("DE", "People", "E-0007", "hr"),
    Post("DE", "Legal", "E-0008", "legal@EU;legal@GLOBAL"),
    Post("JP", "Sales", "E-0004"),
    Post("IT", "Product", "E-0003"),
)
"""E-0001 to E-0028: the chief, eight heads of department, nineteen managers."""

TEAMS = (
    ("E-0010", 6),
    ("E-0011", 6),
    ("E-0012", 6),
    ("E-0013", 8),
    ("E-0014", 7),
    ("E-0015", 4),
    ("E-0016", 5),
    ("E-0017", 4),
    ("E-0018", 4),
    ("E-0019", 3),
    ("E-0020", 2),
    ("E-0021", 4),
    ("E-0022", 3),
    ("E-0023", 2),
    ("E-0024", 3),
    ("E-0027", 2),
    ("E-0028", 3),
)
"""E-0029 to E-0100: staff, each in the region and department of the manager named here."""

OFFICES = (
    Post("DE", "Legal", "E-0026", "legal@DE"),
    Post("DE", "Legal", "E-0026", "legal@DE"),
    Post("FR", "Legal", "E-0026", "legal@FR"),
    Post("FR", "Legal", "E-0026", "legal@FR;legal@EU"),
    Post("GB", "Legal", "E-0026", "legal@GB"),
    Post("GB", "Legal", "E-0026", "legal@GB"),
    Post("US-NY", "Legal", "E-0008", "legal@US-NY;legal@US"),
    Post("US-NY", "Legal", "E-0008", "legal@US-NY"),
    Post("US-CA", "Legal", "E-0008", "legal@US-CA;legal@US"),
    Post("US-CA", "Legal", "E-0008", "legal@US-CA"),
    Post("IN", "Legal", "E-0008", "legal@IN"),
    Post("IN", "Legal", "E-0008", "legal@IN"),
    Post("NO", "Legal", "E-0026", "legal@NO"),
    Post("NO", "Legal", "E-0026", "legal@NO"),
    Post("DE", "Works Council", "E-0009", "works_council@DE"),
    Post("DE", "Works Council", "E-0009", "works_council@DE"),
    Post("DE", "Data Protection", "E-0001", "dpo@EU"),
    Post("DE", "Data Protection", "E-0117", "dpo@DE"),
    Post("GB", "Internal Audit", "E-0001", "auditor"),
    Post("US-NY", "Internal Audit", "E-0001", "auditor"),
    Post("US-CA", "People", "E-0007", "hr"),
    Post("US-CA", "IT", "E-0002", "admin"),
    Post("FR", "Works Council", "E-0009", "works_council@FR"),
)
"""E-0101 to E-0123: those who hold a role."""

AWAY = {
    "E-0036": "NO",
    "E-0044": "DE",
    "E-0052": "FR",
    "E-0059": "GB",
    "E-0072": "US-CA",
}
"""Who works somewhere else than at home this month: the strictest of both holds for them."""


def rows() -> Iterator[tuple[str, ...]]:
    """The lines of the file under its header, in the order of the ids."""
    given = {region: iter(names.split()) for region, (_, names) in NAMES.items()}
    for number, post in enumerate(_posts(), start=1):
        person = f"E-{number:04}"
        named = post.named or post.region
        family, _ = NAMES[named]
        name = f"{next(given[named])} {family}"
        yield (
            person,
            name,
            _address(name),
            post.region,
            AWAY.get(person, post.region),
            ENTITIES.get(post.region) or ENTITIES[post.region.partition("-")[0]],
            post.department,
            post.manager,
            post.roles,
        )


def people() -> bytes:
    """The whole file: UTF-8, one line each, ends of line as Unix has them."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows())
    return text.getvalue().encode()


def _posts() -> Iterator[Post]:
    yield from LEADERS
    for manager, size in TEAMS:
        lead = LEADERS[int(manager.removeprefix("E-")) - 1]
        for _ in range(size):
            yield Post(lead.region, lead.department, manager, named=lead.named)
    yield from OFFICES


def _address(name: str) -> str:
    """Write ``Jörg Muster`` as jorg.muster@example.com: accents off, names are never shared."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return f"{plain.replace(' ', '.')}@example.com"


if __name__ == "__main__":
    PEOPLE.write_bytes(people())
    print(f"{PEOPLE}: {sum(1 for _ in rows())} people")
