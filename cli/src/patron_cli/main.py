"""The command `patron`."""

import typer

from patron_cli import access, catalogue, export_command, report_command, running, status, verification
from patron_cli.console import EXIT_CODES, Guarded
from patron_cli.dead_letters_command import dead_letters
from patron_cli.demo_command import demo
from patron_cli.import_command import import_file
from patron_cli.parked_command import parked
from patron_cli.rebuild_command import rebuild
from patron_cli.rules_command import rules
from patron_cli.sales_command import pipeline
from patron_cli.segment_list import segments

app = typer.Typer(
    name="patron",
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Patron: an event-sourced customer platform. Start with `patron up --detach`, then `patron demo`.",
    epilog=EXIT_CODES,
)
for command in (running.up, running.down, status.status, access.token, access.get):
    app.command(epilog=EXIT_CODES)(command)
app.command("import")(import_file)
app.command(epilog=EXIT_CODES)(demo)
app.command(epilog=EXIT_CODES)(rebuild)
app.add_typer(parked, name="parked")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(segments, name="segments")
app.add_typer(pipeline, name="pipeline")
app.add_typer(rules, name="rules")
for command in (report_command.report, export_command.export):
    app.command(epilog=EXIT_CODES)(command)
for command in (verification.verify, catalogue.schemas, catalogue.openapi):
    app.command(epilog=EXIT_CODES)(command)

if __name__ == "__main__":
    app()
