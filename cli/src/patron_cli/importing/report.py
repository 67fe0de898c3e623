"""Say what an import did: the same figures for a person and for a program, in a dry run and a real one."""

from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from patron_cli.importing.journal import STATUSES
from patron_cli.importing.mapping import Plan
from patron_cli.importing.rows import RowFile


@dataclass(slots=True)
class Report:
    """The outcome. seconds: of the whole run, resumed parts and waiting for visibility included.

    visible: whether the read models show the rows; None where nobody waited or nothing was written.
    """

    kind: str
    file: str
    detected: str
    source: str
    preset: str | None
    dry_run: bool
    counts: dict[str, int]
    seconds: float
    unmapped: list[str] = field(default_factory=list[str])
    new_fields: list[str] = field(default_factory=list[str])
    remarks: list[str] = field(default_factory=list[str])
    errors_file: str | None = None
    position: str | None = None
    visible: bool | None = None
    resumed: bool = False
    complete: bool = True

    @property
    def rows(self) -> int:
        """All rows; each was counted once."""
        return sum(self.counts.values())

    def document(self) -> dict[str, Any]:
        """Give the report for `--json`; every key is always there."""
        return {
            "kind": self.kind,
            "file": self.file,
            "detected": self.detected,
            "source": self.source,
            "preset": self.preset,
            "dry_run": self.dry_run,
            **{status: self.counts[status] for status in STATUSES},
            "rows": self.rows,
            "seconds": round(self.seconds, 3),
            "rows_per_s": round(self.rows / self.seconds, 1) if self.seconds else 0.0,
            "unmapped": self.unmapped,
            "new_fields": self.new_fields,
            "remarks": self.remarks,
            "errors_file": self.errors_file,
            "position": self.position,
            "visible": self.visible,
            "resumed": self.resumed,
            "complete": self.complete,
        }

    def show(self, console: Console) -> None:
        """Print the table and what a person should know besides."""
        title = f"{'Dry run: ' if self.dry_run else ''}{self.kind} from {escape(self.file)}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        document = self.document()
        for name in (*STATUSES, "rows", "seconds", "rows_per_s"):
            table.add_column(name.replace("rows_per_s", "rows/s"), justify="right", no_wrap=True)
        figures = [f"{document[name]:,}" for name in (*STATUSES, "rows")]
        table.add_row(*figures, f"{self.seconds:,.1f}", f"{document['rows_per_s']:,.0f}")
        console.print(table)
        for remark in self.remarks:
            console.print(escape(remark))
        if self.unmapped:
            console.print(f"Columns that went nowhere: {escape(', '.join(self.unmapped))}")
        if self.errors_file and self.counts["rejected"] + self.counts["duplicate"]:
            console.print(f"Rows that did not get in: {escape(self.errors_file)}")
        if self.visible is False:
            console.print("The rows are in, but the read models do not show them yet.")


def begin_report(file: RowFile, plan: Plan, *, dry_run: bool) -> Report:
    """Begin with what is known before the first row."""
    return Report(
        kind=plan.kind,
        file=str(file.path),
        detected=file.detected.sentence(),
        source=plan.conventions.source,
        preset=plan.preset,
        dry_run=dry_run,
        counts=dict.fromkeys(STATUSES, 0),
        seconds=0.0,
        unmapped=list(plan.unmapped),
        remarks=[*file.detected.remarks, *plan.remarks],
    )
