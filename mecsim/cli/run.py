"""Commands that compute: run, cost, report."""

import datetime
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecsim.cli.options import DEFAULT_STORE, Overrides, ScenarioFile, StoreFolder

if TYPE_CHECKING:
    from rich.console import Console

    from mecsim.config.scenario import Scenario
    from mecsim.jobs.job import Job
    from mecsim.jobs.runner import LocalRunner
    from mecsim.study import Study

INTERRUPTED = 130


def run(
    scenario: ScenarioFile,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; default: runs/NAME, with what --set changed in its name.", show_default=False),
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Simulate and train every scheme of a scenario; write tables, plots and a report.

    Stopped and started again, it goes on from what is done.

    Example: mecsim run scenarios/quickstart.yaml --set network.carrier.bandwidth_mhz=2
    """
    from rich.console import Console

    from mecsim.build.rules import warnings_of
    from mecsim.cli.names import load

    valid = load(scenario, overrides)
    console = Console(stderr=True)
    for warning in warnings_of(valid):
        console.print(f"Note: {warning}", soft_wrap=True, highlight=False)
    folder = out or Path("runs") / folder_name(valid.name, overrides or ())
    runner = _runner(store)
    try:
        _run_into(folder, valid, runner, console, quiet=quiet)
    except KeyboardInterrupt:
        console.print(
            f"Stopped: {runner.n_executed} new results are in {store}, and the same command goes on from there.", soft_wrap=True
        )
        raise typer.Exit(INTERRUPTED) from None
    _say(folder)


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

    valid = load(scenario, overrides)
    Console().print(cost_table(valid, LearningRoom(classes), _runner(store)))


def report(run: Annotated[Path, typer.Argument(help="A run folder, as 'mecsim run' leaves it.", show_default=False)]) -> None:
    """Draw the plots and the report of a run folder again, from its tables.

    Example: mecsim report runs/quickstart
    """
    from analysis.report.build import add_analysis

    add_analysis(run)
    typer.echo(f"Report: {run / 'report.html'}")


def folder_name(name: str, overrides: "list[str] | tuple[str, ...]") -> str:
    """Return the run's folder: the scenario's name, and the last word of each changed key with its value."""
    changes = [f"{key.rpartition('.')[2]}-{value}" for key, _, value in (change.partition("=") for change in overrides)]
    slug = "_".join("".join(c if c.isalnum() or c in ".-_" else "-" for c in change) for change in changes)
    return f"{name}__{slug}"[:120] if slug else name


def _runner(store: Path) -> "LocalRunner":
    from learners.numerics import numerics_class
    from mecsim.jobs.job import Job, Result
    from mecsim.jobs.runner import LocalRunner
    from mecsim.jobs.store import Store

    def execute(job: Job, inputs: "object") -> Result:
        from mecsim.jobs import synthetic

        if job.kind in synthetic.KINDS:
            return synthetic.execute(job, inputs)  # type: ignore[arg-type]
        # Loads torch: not before something has to be executed.
        from learners.worker import execute as execute_job

        return execute_job(job, inputs)  # type: ignore[arg-type]

    return LocalRunner(execute, Store(store, numerics=numerics_class()))


def _run_into(folder: Path, scenario: "Scenario", runner: "LocalRunner", console: "Console", *, quiet: bool) -> None:
    from analysis.report.build import add_analysis
    from mecsim.cli.interrupt import Interrupt
    from mecsim.cli.learning import room_of
    from mecsim.cli.progress import drawing, watching
    from mecsim.config.loader import resolved_yaml
    from mecsim.results.folder import check_replaceable, write_run
    from mecsim.study import run_study

    check_replaceable(folder)
    started_at, started = datetime.datetime.now(datetime.UTC), time.perf_counter()
    with Interrupt() as interrupt, watching(console, quiet=quiet) as progress:

        def executed(job: "Job") -> None:
            interrupt.check()
            progress.executed(job)

        runner.on_executed = executed
        study = run_study(scenario, room_of(scenario), runner, progress)
        interrupt.check()
    facts = _manifest(scenario, runner, study, started_at, time.perf_counter() - started)
    with drawing(console, quiet=quiet):
        write_run(folder, scenario_yaml=resolved_yaml(scenario), manifest=facts, tables=study.rows, extras=add_analysis)


def _manifest(
    scenario: "Scenario", runner: "LocalRunner", study: "Study", started_at: datetime.datetime, real_seconds: float
) -> dict[str, object]:
    from learners.numerics import numerics_class
    from mecsim.cli.learning import reconstructions
    from mecsim.cli.manifest import command_line, manifest

    return manifest(
        scenario,
        command=command_line(),
        started_at=started_at,
        real_seconds=real_seconds,
        n_run=runner.n_executed,
        n_jobs=study.n_jobs,
        numerics=numerics_class(),
        reconstructions=reconstructions(scenario),
    )


def _say(folder: Path) -> None:
    from rich.console import Console

    from analysis.tables import print_summary
    from mecsim.results.reader import open_run

    console = Console()
    opened = open_run(folder)
    print_summary(opened, console)
    n_run, n_reused = opened.manifest["jobs_run"], opened.manifest["jobs_reused"]
    done = f"{n_run} jobs run, {n_reused} reused" if n_run else f"all {n_reused} jobs reused: nothing was trained"
    console.print(f"{done}; {opened.manifest['real_seconds']:.1f} s of real time.")
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)
