"""The command `patron`."""

import typer

from patron_cli import running
from patron_cli.console import EXIT_CODES, Guarded

app = typer.Typer(
    name="patron",
    cls=Guarded,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Patron: an event-sourced customer platform. Start with `patron up --detach`, then `patron demo`.",
    epilog=EXIT_CODES,
)
app.command()(running.up)
app.command()(running.down)

if __name__ == "__main__":
    app()
