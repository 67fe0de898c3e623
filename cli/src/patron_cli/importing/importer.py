"""Bring one file in: open, map, define fields, send, wait, report."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec

from patron_cli.importing.batches import Preparer
from patron_cli.importing.body import compile_plan
from patron_cli.importing.custom_fields import (
    FIXED,
    UNDEFINED,
    FieldDefinition,
    infer_types,
    stated_definitions,
    with_custom_fields,
)
from patron_cli.importing.detection import open_rows
from patron_cli.importing.errors_file import META, is_errors_file, write_errors
from patron_cli.importing.journal import Journal, journal_path
from patron_cli.importing.mapping import Plan, Stated, make_plan
from patron_cli.importing.mapping_file import MappingFile, load_mapping
from patron_cli.importing.report import Report, begin_report
from patron_cli.importing.rows import FileUnusable, ReadOptions, RowFile
from patron_cli.importing.run import ImportRun, Interrupted, Orders
from patron_cli.importing.service import Service, ServiceUnreachable
from patron_cli.importing.shapes import Kind
from patron_cli.importing.stages import Pipelines

_SUFFIXES = {".gz", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".jsonl", ".ndjson", ".json", ".vcf", ".vcard"}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asks for.

    errors: where rows go that did not get in; None names a file after the original, in a real run only.
    state: folder of the journals.
    """

    kind: Kind
    path: Path
    state: Path
    stated: Stated = field(default_factory=Stated)
    reading: ReadOptions = field(default_factory=ReadOptions)
    mapping: Path | None = None
    errors: Path | None = None
    dry_run: bool = False
    custom_fields: bool = False
    create_people: bool = True
    wait: bool = True


@dataclass(slots=True)
class Watcher:
    """Whoever shows the user how it goes.

    found: is told a sentence; read: the share of the file that was read, and the rows a second.
    """

    found: Callable[[str], None]
    read: Callable[[float, float], None]


def bring_in(request: Request, service: Service, watcher: Watcher) -> Report:
    """Import a file and report on it; the report of an interrupted run says that it is not complete.

    Raises:
        FileUnusable: nothing was sent, or the file is damaged further down.
        JournalBusy: the same file is being imported at this moment.
        ServiceUnreachable, RequestRefused: as `Service.bulk`; the journal keeps what was answered.
    """
    file = open_rows(request.path, request.reading)
    watcher.found(file.detected.sentence())
    mapping = load_mapping(request.mapping) if request.mapping else MappingFile()
    _check(request, file, mapping)
    plan = _planned(request, file, mapping)
    plan, missing = _custom_fields(request, file, plan, service)
    watcher.found(_mapped(plan))
    compiled = compile_plan(plan, Pipelines(service.pipeline))
    journal = Journal(None if request.dry_run else _journal_path(request, file, mapping, service))
    preparer = Preparer(
        compiled,
        file.columns,
        journal,
        dry_run=request.dry_run,
        withheld=frozenset(definition.name for definition in missing),
    )
    if not request.dry_run:
        for definition in missing:
            service.define(request.kind, definition)
    report = begin_report(file, plan, dry_run=request.dry_run)
    report.new_fields = [f"{definition.name} ({definition.type})" for definition in missing]
    report.resumed = journal.resumed
    orders = Orders(request.kind, dry_run=request.dry_run, create_people=request.create_people)
    return _run(request, ImportRun(file, preparer, service, journal, orders, watcher.read), report)


def _run(request: Request, run: ImportRun, report: Report) -> Report:
    progress, service = run.journal.progress, run.service
    started = time.monotonic() - progress.seconds
    finished = False
    try:
        run.run()
        report.position = progress.position
        if request.wait and progress.position and not request.dry_run:
            report.visible = _visible(service, request.kind, progress.position)
        finished = True
    except Interrupted:
        report.complete = False
    finally:
        report.counts = dict(progress.counts)
        report.seconds = time.monotonic() - started
        report.errors_file = _write_errors(request, run)
        run.journal.close(finished=finished)
    return report


def _visible(service: Service, kind: Kind, position: str) -> bool:
    try:
        service.wait_visible(kind, position)
    except ServiceUnreachable:
        return False
    return True


def _check(request: Request, file: RowFile, mapping: MappingFile) -> None:
    if request.errors and request.errors.resolve() == request.path.resolve():
        raise FileUnusable(request.errors, "the errors would overwrite the file itself")
    if not file.detected.header and not mapping.columns:
        reason = "it has no header row; name its columns (`column 1` and so on) in a mapping file with --map"
        raise FileUnusable(request.path, reason)


def _planned(request: Request, file: RowFile, mapping: MappingFile) -> Plan:
    default = "vcard" if "vCard" in file.detected.format else _source_name(request.path)
    return make_plan(request.kind, file.columns, request.stated, mapping, default_source=default)


def _source_name(path: Path) -> str:
    """Name the source of ids after the file: `CDNOW_master.txt.gz` is `cdnow_master`."""
    while path.suffix.lower() in _SUFFIXES:
        path = path.with_suffix("")
    return path.name.lower()


def _custom_fields(request: Request, file: RowFile, plan: Plan, service: Service) -> tuple[Plan, list[FieldDefinition]]:
    """Map what is left to custom fields if asked to; returns the definitions that do not exist yet."""
    if request.kind in FIXED:
        return plan, []
    stated = any(a.target.field == "custom" and a.rule.type for a in plan.assignments)
    if not (stated or (request.custom_fields and plan.unmapped)):
        return plan, []
    existing = {} if request.kind in UNDEFINED else service.fields(request.kind)
    missing = stated_definitions(plan, existing)
    if request.custom_fields:
        positions = [index for index, column in enumerate(plan.columns) if column in plan.unmapped]
        types = infer_types(file.rows(), positions, plan.conventions)
        plan, found = with_custom_fields(plan, types, existing)
        missing += found
    return plan, missing


def _mapped(plan: Plan) -> str:
    pairs = ", ".join(f"{a.column} → {a.rule.to}" for a in plan.assignments)
    preset = f"preset {plan.preset}" if plan.preset else "by name"
    return f"columns {preset}, source {plan.conventions.source}: {pairs}"


def _journal_path(request: Request, file: RowFile, mapping: MappingFile, service: Service) -> Path:
    """Name the journal after everything that decides what the rows become."""
    parts = (
        file.fingerprint,
        str(service.client.base_url),
        request.kind,
        repr(replace(request, state=Path(), errors=None, wait=True, path=Path(request.path.name))),
        msgspec.json.encode(mapping).decode(),
    )
    return journal_path(request.state, parts)


def _write_errors(request: Request, run: ImportRun) -> str | None:
    """Write the errors file where the user wants one, or where rows would otherwise be lost."""
    counts = run.journal.progress.counts
    path = request.errors
    if path is None:
        if request.dry_run or not counts["rejected"] + counts["duplicate"]:
            return None
        path = Path(f"{_source_name(request.path)}-errors.csv")
        if path.resolve() == request.path.resolve():
            path = path.with_stem(f"{path.stem}-again")
    columns = run.file.columns
    write_errors(path, columns[len(META) :] if is_errors_file(columns) else columns, run.journal.failures())
    return str(path)
