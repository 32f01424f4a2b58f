"""Commands for control policies: train one, and try the policies of a scenario."""

from pathlib import Path
from typing import Annotated

import typer

from mecsim.cli.options import DEFAULT_STORE, Overrides, ScenarioFile, StoreFolder, Workers
from mecsim.cli.run import INTERRUPTED

app = typer.Typer(help="Train control policies, and try them without training anything else.", no_args_is_help=True)

Label = Annotated[
    str | None, typer.Option("--scheme", metavar="LABEL", help="The scheme; default: the one with a learned policy.")
]

DEFAULT_WORK = Path(".mecsim/policies")


@app.command()
def train(
    scenario: ScenarioFile,
    out: Annotated[Path, typer.Option(help="Folder for the policy: weights, facts, surrogate and curve.", show_default=False)],
    label: Label = None,
    overrides: Overrides = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the agent.")] = 0,
    trials: Annotated[int, typer.Option(min=16, help="Trials that are trained for real, for the surrogate of quality.")] = 64,
    worlds: Annotated[int, typer.Option(min=1, help="Worlds with their own data that the agent plays in.")] = 48,
    steps: Annotated[int, typer.Option(min=1, help="Rounds that the agent plays.")] = 200_000,
    refits: Annotated[
        int, typer.Option(min=0, help="How often the policy so far is tried for real, and the surrogate fitted anew.")
    ] = 1,
    bandwidths: Annotated[
        list[float] | None,
        typer.Option("--bandwidth", help="A weight in the cell that may be chosen; given again for each. Default: 1 alone."),
    ] = None,
    store: StoreFolder = DEFAULT_STORE,
    work: Annotated[Path, typer.Option(help="Folder for checkpoints and TensorBoard's files.")] = DEFAULT_WORK,
    workers: Workers = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Train a policy for a scheme: real trials, a surrogate of their quality, an agent (PPO) that plays against it.

    Half-way, the policy so far is tried for real in 16 worlds, and the surrogate is fitted anew.

    Stopped and started again, it goes on from what is done. The same command gives the same bytes. Needs the extra 'rl'.

    Example: mecsim policy train scenarios/papers/fedpeat_control.yaml --out my_policy
    """
    from rich.console import Console

    from learners.agents import check_installed
    from mecsim.cli.interrupt import Interrupt
    from mecsim.cli.names import load
    from mecsim.cli.policy_pipeline import Desk, train_policy
    from mecsim.cli.policy_subject import Recipe, subject_of
    from mecsim.cli.workers import default_workers, runner_of

    check_installed()
    subject = subject_of(load(scenario, overrides).scenario, label)
    recipe = Recipe(seed=seed, trials=trials, worlds=worlds, steps=steps, refits=refits, bandwidths=tuple(bandwidths or (1.0,)))
    console = Console(stderr=True, quiet=quiet)
    runner, opened = runner_of(store, workers or default_workers(), [subject.scenario])
    try:
        with runner, Interrupt() as interrupt:
            desk = Desk(runner=runner, interrupt=interrupt, console=console, look=opened.get, work=work)
            train_policy(subject, recipe, desk, out)
    except KeyboardInterrupt:
        Console(stderr=True).print(
            f"Stopped: what has been learned is in {store} and {work}, and the same command goes on from there."
        )
        raise typer.Exit(INTERRUPTED) from None
    finally:
        opened.close()
    typer.echo(f"Policy: {out / 'policy.json'}")


@app.command("eval")
def evaluate(
    scenario: ScenarioFile,
    overrides: Overrides = None,
    surrogate: Annotated[
        Path | None, typer.Option(help="File of the surrogate; default: that of a policy in the scenario.", show_default=False)
    ] = None,
    worlds: Annotated[int, typer.Option(min=2, help="Worlds, none of them one of the study or of the training.")] = 24,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Try every scheme of a scenario against the surrogate of quality: a world takes a second, and nothing is trained.

    Prints the objective, and its difference to the best in the same worlds. What real training gives, 'mecsim run' tells.

    Example: mecsim policy eval scenarios/papers/fedpeat_control.yaml --worlds 50
    """
    from rich.console import Console

    from mecsim.cli.names import load
    from mecsim.cli.policy_trial import rehearsed_table, surrogate_file
    from mecsim.cli.workers import runner_of

    valid = load(scenario, overrides).scenario
    file = surrogate or surrogate_file(valid)
    runner, opened = runner_of(store, n_workers=1)
    try:
        Console().print(rehearsed_table(valid, file, worlds, runner))
    finally:
        opened.close()
