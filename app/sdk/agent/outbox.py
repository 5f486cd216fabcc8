"""Reports on their way: on disk until the service has taken them.

Rules:
1. A report is on disk, under its id, before it is sent, and stays there unchanged until it is taken
   or refused for good. The service takes an id once, so it counts once, however often it is sent
   and whenever the laptop is restarted.
2. They are sent in their order. The first may have been sent already, so it never changes; counts
   under the lease and the document of the last one behind it are added to that one. An outage is
   told with a report for each lease, and not with one for each try.
3. There are at most ``MOST_REPORTS``. What comes then is added to the last, under the later lease:
   no count is lost, only which lease it came under.
4. A file that is damaged is set aside, and that is told: what it held cannot be known. One of
   another device is not sent.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.kernel.canonical import Json, canonical, digest
from app.sdk import disk
from app.sdk.agent.tally import Tally, report_of, tally_of, without_places

MOST_REPORTS = 16

_FILE = "reports.json"
_MOST_BYTES = 4_194_304

Report = dict[str, Json]


class Outbox:
    """The reports of one device that the service has not taken yet, oldest first.

    Args:
        folder: where the device was paired.
        device_id: its id.

    Attributes:
        damaged: whether what was on disk could not be read.
    """

    def __init__(self, folder: Path, device_id: str) -> None:
        self._file, self._device_id = folder / _FILE, device_id
        self.damaged = False
        self._reports = self._kept()

    def __len__(self) -> int:
        return len(self._reports)

    @property
    def first(self) -> Report | None:
        """The one to send next; None if there is none."""
        return self._reports[0] if self._reports else None

    def add(self, tally: Tally) -> None:
        """Put counts on disk; then forget them in ``tally``: they are handed over.

        Raises:
            OSError: the disk did not take them; the tally is as it was.
        """
        if not tally:
            return
        reports = self._with(tally)
        self._write(reports)
        self._reports = reports
        tally.clear()

    def taken(self) -> None:
        """The service has taken the first, or refused it for good."""
        self._replace(self._reports[1:])

    def refused(self) -> bool:
        """The service refuses the first as it is; say whether something is left of it to send.

        An older service may not know a place. So what is left are the totals, under another id.
        """
        again = without_places(self._reports[0])
        self._replace([again, *self._reports[1:]] if again else self._reports[1:])
        return again is not None

    def _with(self, tally: Tally) -> list[Report]:
        """The reports once counts are added (rules 2 and 3)."""
        kept, last = self._reports[:-1], self._reports[-1:]
        same = [(r["lease"], r["policy"]) == (tally.lease, tally.policy) for r in last]
        if not kept or not (any(same) or len(self._reports) >= MOST_REPORTS):
            return [*self._reports, report_of(tally)]
        together = tally_of(last[0])
        together.add(tally)
        return [*kept, {**report_of(together), "report": last[0]["report"]}]

    def _replace(self, reports: list[Report]) -> None:
        """Go on with other reports, whether or not the disk takes them.

        If it does not, what was answered is sent once more after a restart, and answered the same.
        """
        self._reports = reports
        with suppress(OSError):
            self._write(reports)

    def _write(self, reports: list[Report]) -> None:
        if not reports:
            self._file.unlink(missing_ok=True)
            return
        body: Json = {"v": 1, "device": self._device_id, "reports": list(reports)}
        data = canonical({"outbox": body, "sum": digest(canonical(body))})
        if len(data) > _MOST_BYTES:
            raise OSError("the reports are too long to be kept")
        disk.replace(self._file, data)

    def _kept(self) -> list[Report]:
        try:
            if not self._file.exists():
                return []
            with self._file.open("rb") as file:
                return self._read(json.loads(file.read(_MOST_BYTES)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.damaged = True
            self._set_aside()
            return []

    def _read(self, kept: dict[str, Any]) -> list[Report]:
        """What is in the file.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is damaged.
        """
        body = kept["outbox"]
        if kept["sum"] != digest(canonical(body)):
            raise ValueError("the reports on disk are damaged")
        for report in body["reports"]:
            tally_of(report)
        return list(body["reports"]) if body["device"] == self._device_id else []

    def _set_aside(self) -> None:
        with suppress(OSError):
            self._file.replace(self._file.with_suffix(".damaged"))
