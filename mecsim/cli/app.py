"""The command ``mecsim``: composition root; every command imports what it needs when it runs."""

import sys

import typer

from mecsim.cli import calibrate, describe, exports, fetch, policy, run, store, traces
from mecsim.errors import MecsimError

app = typer.Typer(
    name="mecsim",
    help="Federated fine-tuning at the mobile edge: simulated in time, energy and bytes, trained for real.",
    epilog="Example: mecsim run scenarios/quickstart.yaml",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
app.command()(run.run)
app.command()(describe.validate)
app.command()(run.cost)
app.command()(run.report)
app.command()(exports.table)
app.command()(exports.plot)
app.command()(exports.compare)
app.command()(exports.trace)
app.command("list")(describe.list_names)
app.command()(describe.schema)
app.command()(fetch.fetch)
app.command()(calibrate.calibrate)
app.command("import-trace")(traces.import_trace)
app.add_typer(policy.app, name="policy")
app.add_typer(store.app, name="store")


def main() -> None:
    """Run the command line: what a user can act on is a message and exit code 2, never a traceback."""
    try:
        app()
    except MecsimError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
