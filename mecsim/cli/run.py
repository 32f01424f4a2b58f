"""Commands that compute: run, cost, report."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mecsim.cli.options import DEFAULT_STORE, Overrides, ScenarioFile, StoreFolder, Workers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from mecsim.config.variants import Variant

INTERRUPTED = 130


def run(
    scenario: ScenarioFile,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; default: runs/NAME, with what --set changed in its name.", show_default=False),
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    variants: Annotated[
        list[str] | None,
        typer.Option(
            "--variant", metavar="NAME", help="Run this variant of the sweep, or all with this axis=point; may be given again."
        ),
    ] = None,
    workers: Workers = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Simulate the worlds, say how much there is to learn, and train nothing.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report/--no-report", help="Draw plots and report; 'mecsim report' does it later.")
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Simulate and train every scheme of a scenario, in every variant of its sweep; write tables, plots and a report.

    Stopped and started again, it goes on from what is done. Results are the same with any number of workers.

    Example: mecsim run scenarios/quickstart.yaml --set network.carrier.bandwidth_mhz=2

    Example: mecsim run scenarios/sweeps/bandwidth.yaml --workers 2 --dry-run
    """
    from rich.console import Console

    from mecsim.cli.execute import Order, execute_order
    from mecsim.cli.manifest import command_line
    from mecsim.cli.names import load
    from mecsim.cli.workers import default_workers

    loaded = load(scenario, overrides)
    console = Console(stderr=True)
    order = Order(
        loaded=loaded,
        folder=out or default_folder(loaded.scenario.name, overrides or (), variants or ()),
        store=store,
        command=command_line(),
        variants=tuple(variants or ()),
        n_workers=workers or default_workers(),
        draws=report,
    )
    _warn(order.chosen_variants, console)
    if dry_run:
        from mecsim.cli.dry_run import print_dry_run

        print_dry_run(order, console, quiet=quiet)
        return
    try:
        execute_order(order, console, quiet=quiet)
    except KeyboardInterrupt:
        console.print(f"Stopped: what has been learned is in {store}, and the same command goes on from there.", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    _say(order.folder)


def cost(
    scenario: ScenarioFile,
    overrides: Overrides = None,
    classes: Annotated[
        int | None, typer.Option(min=1, help="Count a head of this many classes instead of the dataset's.", show_default=False)
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Print what each scheme asks of a device in a turn, and which groups can hold it; nothing is trained.

    Example: mecsim cost scenarios/quickstart.yaml --classes 100
    """
    from rich.console import Console

    from mecsim.cli.costs import cost_table
    from mecsim.cli.learning import LearningRoom
    from mecsim.cli.names import load
    from mecsim.cli.workers import runner_of

    valid = load(scenario, overrides).scenario
    runner, _ = runner_of(store, n_workers=1)
    Console().print(cost_table(valid, LearningRoom(classes), runner))


def report(run: Annotated[Path, typer.Argument(help="A run folder, as 'mecsim run' leaves it.", show_default=False)]) -> None:
    """Draw the plots and the report of a run folder again, from its tables.

    Example: mecsim report runs/quickstart
    """
    from analysis.report.build import add_analysis

    add_analysis(run)
    typer.echo(f"Report: {run / 'report.html'}")


def default_folder(name: str, overrides: "Sequence[str]", variants: "Sequence[str]") -> Path:
    """Return where a run goes of which nothing else is said: runs/NAME, and what was changed or chosen.

    That is the last word of each changed key with its value.
    """
    pairs = [*(change.partition("=")[::2] for change in overrides), *(("variant", variant) for variant in variants)]
    changes = [f"{key.rpartition('.')[2]}-{value}" for key, value in pairs]
    slug = "_".join("".join(c if c.isalnum() or c in ".-_" else "-" for c in change) for change in changes)
    return Path("runs") / (f"{name}__{slug}"[:120] if slug else name)


def _warn(variants: "Sequence[Variant]", console: "Console") -> None:
    """Say what a model of some variant does not cover, each sentence once."""
    from mecsim.build.rules import warnings_of_all

    for warning in warnings_of_all(variant.scenario for variant in variants):
        console.print(f"Note: {warning}", soft_wrap=True, highlight=False)


def _say(folder: Path) -> None:
    from rich.console import Console

    from analysis.tables import print_summary
    from mecsim.results.reader import open_run

    console = Console()
    opened = open_run(folder)
    print_summary(opened, console)
    console.print(f"{_jobs_text(opened.manifest)}; {opened.manifest['real_seconds']:.1f} s of real time.", soft_wrap=True)
    page = folder / "report.html"
    console.print(f"Report: {page}" if page.exists() else f"Run: {folder}", soft_wrap=True)


def _jobs_text(manifest: "Mapping[str, Any]") -> str:
    """Return what was executed, what came from the store, and what trials had in common."""
    n_run, n_reused, n_asked = manifest["jobs_run"], manifest["jobs_reused"], manifest["jobs_asked"]
    text = f"{n_run} jobs run, {n_reused} reused" if n_run else f"all {n_reused} jobs reused: nothing was trained"
    n_shared = n_asked - n_run - n_reused
    return f"{text}; {n_shared} more were those of other trials" if n_shared else text
