"""A study from its scenario to its run folder: what ``mecsim run`` and ``mecsim.run`` do."""

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mecsim.cli.interrupt import Interrupt
from mecsim.cli.manifest import manifest
from mecsim.cli.progress import Quiet, drawing, watching
from mecsim.cli.workers import runner_of
from mecsim.config.loader import Loaded, resolved_yaml
from mecsim.config.variants import Variant, chosen
from mecsim.errors import MecsimError, UnknownNameError
from mecsim.results.folder import check_replaceable, write_run
from mecsim.results.underway import clear_underway, write_underway
from mecsim.study import run_study

if TYPE_CHECKING:
    from rich.console import Console

    from mecsim.jobs.job import Job

#: The word on trials that are missing is written anew after so long.
_UNDERWAY_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run: the scenario, the names of some of its variants (none: all), and where results go.

    Unless it ``draws``, the run has neither plots nor a report.
    """

    loaded: Loaded
    folder: Path
    store: Path
    command: str
    variants: tuple[str, ...] = ()
    n_workers: int = 1
    draws: bool = True

    @property
    def chosen_variants(self) -> tuple[Variant, ...]:
        """The variants that are run; MecsimError for a name that fits none."""
        return choose(self.loaded, self.variants)


def choose(loaded: Loaded, names: Sequence[str]) -> tuple[Variant, ...]:
    """Return the variants that ``names`` ask for, all of them without names; MecsimError for a name that fits none."""
    if not names:
        return loaded.variants
    if not loaded.scenario.sweep:
        raise MecsimError(
            f"this scenario has no sweep, so it has no variant {names[0]!r}. Add a 'sweep:', or leave --variant out."
        )
    for name in names:
        if not chosen(loaded.variants, [name]):
            raise UnknownNameError("variant", name, [variant.name for variant in loaded.variants])
    return chosen(loaded.variants, names)


def execute_order(order: Order, console: "Console", *, quiet: bool) -> None:
    """Run the study and write its folder, as a whole or not at all; what has been learned is kept in any case."""
    from analysis.report.build import add_analysis
    from learners.numerics import numerics_class
    from mecsim.cli.learning import reconstructions, room_of

    check_replaceable(order.folder)
    scenario, variants = order.loaded.scenario, order.chosen_variants
    started_at, started = datetime.datetime.now(datetime.UTC), time.perf_counter()
    runner, store = runner_of(order.store, order.n_workers, [variant.scenario for variant in variants])
    with runner, Interrupt() as interrupt, watching(console, store.get, quiet=quiet) as progress:
        word = _Word(order, progress, started_at.isoformat(timespec="seconds"))

        def executed(job: "Job") -> None:
            progress.executed(job)
            word.renew()
            interrupt.check()

        runner.on_executed = executed
        try:
            study = run_study(variants, room_of(scenario), runner, progress)
            interrupt.check()
        finally:
            word.renew(now=True)
    facts = manifest(
        scenario,
        variants,
        n_variants=len(order.loaded.variants),
        command=order.command,
        started_at=started_at,
        real_seconds=time.perf_counter() - started,
        n_run=runner.n_executed,
        n_workers=order.n_workers,
        jobs=study.jobs,
        numerics=numerics_class(),
        reconstructions=sorted({name for variant in variants for name in reconstructions(variant.scenario)}),
    )
    with drawing(console, quiet=quiet):
        write_run(
            order.folder,
            scenario_yaml=resolved_yaml(scenario),
            manifest=facts,
            tables=study.rows,
            extras=add_analysis if order.draws else None,
        )
    clear_underway(order.folder)
    store.close()


class _Word:
    """Keeps the word beside the run folder up to date: which trials are missing."""

    def __init__(self, order: Order, progress: Quiet, started_at: str) -> None:
        self._order, self._progress, self._started_at = order, progress, started_at
        self._written_s = 0.0

    def renew(self, *, now: bool = False) -> None:
        tally = self._progress.tally
        if tally is None or not (now or time.monotonic() - self._written_s > _UNDERWAY_EVERY_S):
            return
        self._written_s = time.monotonic()
        write_underway(
            self._order.folder,
            command=self._order.command,
            started_at=self._started_at,
            n_trials=tally.n_trials,
            missing=[str(trial) for trial in tally.unfinished],
        )
