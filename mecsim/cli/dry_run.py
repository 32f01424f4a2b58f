"""``mecsim run --dry-run``: how many trials and jobs a study has, and how much of them is stored already."""

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mecsim.cli.execute import Order
from mecsim.cli.interrupt import Interrupt
from mecsim.cli.learning import room_of
from mecsim.cli.progress import clock_text, described, watching
from mecsim.cli.workers import runner_of
from mecsim.jobs.graph import in_order
from mecsim.study import count_jobs, run_worlds
from mecsim.trials import asks_losses, plan_trials

if TYPE_CHECKING:
    from mecsim.study import Worlds


def print_dry_run(order: Order, console: Console, *, quiet: bool) -> None:
    """Run the worlds, which takes the data dealt and the costs counted, and print what is left to be learned."""
    variants = order.chosen_variants
    trials, out = plan_trials(variants), Console()
    learned = [trial for trial in trials if asks_losses(trial)]
    if learned:
        out.print(
            f"{described(trials)}. {len(learned)} of them choose devices by their losses: what they train is "
            "known only as they run, so nothing more can be said without training.",
            soft_wrap=True,
        )
        return
    runner, store = runner_of(order.store, order.n_workers, [variant.scenario for variant in variants])
    with runner, Interrupt(), watching(console, store.get, quiet=quiet) as progress:
        runner.on_executed = progress.executed
        worlds = run_worlds(variants, room_of(order.loaded.scenario), runner, progress)
        missing = Counter(job.kind for job in runner.missing(worlds.evaluations))
    _print(worlds, missing, out)


def _print(worlds: "Worlds", missing: "Counter[str]", out: Console) -> None:
    behind = in_order(job for i in range(len(worlds.trials)) for job in worlds.jobs_of(i))
    kinds = Counter(job.kind for job in behind)
    counts = count_jobs(worlds)
    out.print(f"{described(worlds.trials)}; nothing was trained.")
    out.print(f"Simulated time: {clock_text(sum(log.rounds[-1].sim_time_s for log in worlds.logs))} in all.")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("jobs")
    for head in ("in all", "stored", "to run"):
        table.add_column(head, justify="right")
    for kind, n in kinds.items():
        table.add_row(kind, str(n), str(n - missing[kind]), str(missing[kind]))
    n_missing = sum(missing.values())
    table.add_row("together", str(counts.distinct), str(counts.distinct - n_missing), str(n_missing), style="bold")
    out.print(table)
    if counts.asked > counts.distinct:
        out.print(f"The trials ask for {counts.asked:,} jobs one by one; what they have in common is learned once.")
    if len(counts.by_variant) > 1:
        new = [name for name, (_, n_new) in counts.by_variant.items() if n_new]
        out.print(f"{len(new)} of {len(counts.by_variant)} variants have jobs that no variant before them has.")
