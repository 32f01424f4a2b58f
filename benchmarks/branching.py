"""What branches bring: ``python -m benchmarks.branching`` compares them with one joint action over all devices.

For fleets of 2, 4 and 6 devices the same agent is trained with three seeds in either way, in the same worlds and against the
same surrogate of quality, that of ``scenarios/papers/fedpeat_control_tiny.yaml``. Of interest is after how many rounds they
come to the same return. Writes ``benchmarks/branching.md`` and ``docs/images/control/branching.png``. Stopped and started
again, it goes on from its checkpoints in ``.mecsim/branching``.
"""

import argparse
import csv
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mecsim.control.features import ROUND_FEATURES, device_feature_names
from mecsim.control.policy import SURROGATE_FILE
from mecsim.hashing import sha256_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from mecsim.cli.policy_training import MakesEnv

ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "scenarios" / "papers" / "fedpeat_control_tiny.yaml"
SURROGATE = SCENARIO.with_suffix("") / SURROGATE_FILE
PAGE = Path(__file__).with_suffix(".md")
PICTURE = ROOT / "docs" / "images" / "control" / "branching.png"
STORE, WORK = ROOT / ".mecsim" / "store", ROOT / ".mecsim" / "branching"

FLEETS, SEEDS = (2, 4, 6), (0, 1, 2)
#: A device is not asked, or with one of three choices.
N_WAYS = 4
#: How the two are called, here and in ``TrainingSettings.actions``.
BRANCHES, JOINT = "branches", "joint"
STEPS = 8_192
STEPS_BETWEEN = 512
N_WORLDS, N_JUDGED, N_ENVIRONMENTS = 24, 16, 4
#: How much of the way from the untrained to the better one's end counts as the same return.
SHARE_OF_WAY = 0.9
#: A step costs what a world costs: so more and smaller updates than in the training of a policy that is used.
ROLLOUT_STEPS, BATCH_SIZE = 64, 64

#: Steps and the mean return in the judged worlds, from the untrained agent on.
Curve = Sequence[tuple[int, float]]
#: The curves of all seeds, by how actions are taken.
Curves = Mapping[str, Sequence[Curve]]


@dataclass(frozen=True)
class Makes:
    """Makes an environment of a fleet, with branches or with joint actions; can be sent to another process."""

    make: "MakesEnv"
    actions: str

    def __call__(self) -> Any:
        from learners.agents.flat import FlatActions

        env = self.make()
        return FlatActions(env, len(env.branches.names)) if self.actions == JOINT else env


@dataclass(frozen=True)
class Training:
    """One training of the comparison."""

    n_devices: int
    actions: str
    seed: int
    steps: int
    playing: Makes
    judging: Makes
    names: tuple[str, ...]
    identity: str

    def curve(self) -> Curve:
        """Train, or go on, and return the curve."""
        from learners.agents.episodes import Evaluation, Reset
        from learners.agents.settings import TrainingSettings
        from learners.agents.training import CURVE, train

        folder = WORK / f"{self.n_devices}-{self.actions}-{self.seed}-{self.steps}-{self.identity}"
        train(
            [self.playing] * N_ENVIRONMENTS,
            TrainingSettings(
                seed=self.seed,
                n_steps=self.steps,
                steps_between=STEPS_BETWEEN,
                rollout_steps=ROLLOUT_STEPS,
                batch_size=BATCH_SIZE,
                actions="joint" if self.actions == JOINT else "branches",
            ),
            folder,
            evaluation=Evaluation(
                make_env=self.judging, resets=tuple(Reset(seed=0, options={"world": place}) for place in range(N_JUDGED))
            ),
            names=self.names,
        )
        with (folder / CURVE).open(encoding="utf-8") as file:
            return [(int(row["steps"]), float(row["evaluation_return"])) for row in csv.DictReader(file)]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare branches with joint actions.")
    parser.add_argument("--steps", type=int, default=STEPS, help="rounds that each agent plays")
    parser.add_argument("--workers", type=int, default=2, help="trainings side by side")
    arguments = parser.parse_args()
    trainings = [training for n in FLEETS for training in trainings_of(n, arguments.steps)]
    found: dict[int, dict[str, list[Curve]]] = {n: {BRANCHES: [], JOINT: []} for n in FLEETS}
    with ProcessPoolExecutor(arguments.workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for training, curve in zip(trainings, pool.map(Training.curve, trainings), strict=True):
            found[training.n_devices][training.actions].append(curve)
            print(f"{training.n_devices} devices, {training.actions}, seed {training.seed}: {curve[-1][1]:.3f}", flush=True)
    text = page(found, arguments.steps)
    PAGE.write_text(text, encoding="utf-8")
    picture(found, PICTURE)
    print(text)


def trainings_of(n_devices: int, steps: int) -> Iterator[Training]:
    """Yield the trainings for a fleet: half of its devices of each group, and the energy of the objective scaled along."""
    from mecsim.cli.names import load
    from mecsim.cli.policy_subject import env_worlds, subject_of
    from mecsim.cli.policy_training import MakesEnv
    from mecsim.cli.workers import runner_of
    from mecsim.control.surrogate import Surrogate

    tiny = load(SCENARIO, None).scenario
    assert tiny.objective is not None  # noqa: S101
    changes = (
        f"fleet.groups.0.count={n_devices // 2}",
        f"fleet.groups.1.count={n_devices // 2}",
        f"protocol.clients_per_round={n_devices}",
        f"objective.energy_scale_j={tiny.objective.energy_scale_j * n_devices / 2}",
    )
    subject = subject_of(load(SCENARIO, changes).scenario, "random")
    runner, opened = runner_of(STORE, n_workers=1)
    try:
        worlds = tuple(env_worlds(subject, runner, range(N_WORLDS + N_JUDGED)))
    finally:
        opened.close()
    surrogate = Surrogate.load(SURROGATE)
    playing = MakesEnv(subject, worlds[:N_WORLDS], surrogate, (1.0,))
    judging = MakesEnv(subject, worlds[N_WORLDS:], surrogate, (1.0,))
    names = playing().branches.names
    seen = [device_feature_names(N_WAYS - 1), ROUND_FEATURES]
    identity = sha256_of([subject.scenario.model_dump(mode="json"), asdict(surrogate.coefficients), seen])[:8]
    for seed, actions in product(SEEDS, (BRANCHES, JOINT)):
        yield Training(n_devices, actions, seed, steps, Makes(playing, actions), Makes(judging, actions), names, identity)


def common_return(curves: Curves) -> float:
    """Return what counts as the same return: ``SHARE_OF_WAY`` of the way from the untrained agents to the better ones' end."""
    best = max(float(np.mean([curve[-1][1] for curve in of_kind])) for of_kind in curves.values())
    return untrained(curves) + SHARE_OF_WAY * (best - untrained(curves))


def untrained(curves: Curves) -> float:
    """Return the mean return of all agents before their first step."""
    return float(np.mean([curve[0][1] for of_kind in curves.values() for curve in of_kind]))


def samples_to(curve: Curve, goal: float) -> int | None:
    """Return the steps after which a curve is at ``goal`` for the first time; None: never."""
    return next((steps for steps, value in curve if value >= goal), None)


def page(found: Mapping[int, Curves], steps: int) -> str:
    """Return the result as a page."""
    lines = [
        "# Branches against joint actions",
        "",
        f"Rounds that are played until an agent is {100 * SHARE_OF_WAY:.0f} % of the way from the mean return of all",
        f"untrained agents to the better kind's mean after {steps:,} rounds. Median and range of {len(SEEDS)} seeds;",
        f"returns are means over {N_JUDGED} worlds in which nobody trains, looked at every {STEPS_BETWEEN:,} rounds.",
        "Made by `python -m benchmarks.branching`.",
        "",
        "| devices | joint actions | untrained | the same return | branches | joint | times as many |",
        "|---|---|---|---|---|---|---|",
        *(row(n_devices, curves, steps) for n_devices, curves in found.items()),
        "",
        f"| devices | return of branches after {steps:,} rounds | of joint actions |",
        "|---|---|---|",
    ]
    for n_devices, curves in found.items():
        ends = [[curve[-1][1] for curve in curves[kind]] for kind in (BRANCHES, JOINT)]
        cells = [f"{np.mean(end):.3f} ({min(end):.3f} to {max(end):.3f})" for end in ends]
        lines.append(f"| {n_devices} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def row(n_devices: int, curves: Curves, steps: int) -> str:
    """Return the row of a fleet."""
    goal = common_return(curves)
    branches, joint = ([samples_to(curve, goal) for curve in curves[kind]] for kind in (BRANCHES, JOINT))
    cells = [
        str(n_devices),
        f"{N_WAYS**n_devices:,}",
        f"{untrained(curves):.3f}",
        f"{goal:.3f}",
        in_words(branches, steps),
        in_words(joint, steps),
        times_text(joint, branches, steps),
    ]
    return f"| {' | '.join(cells)} |"


def median(samples: Sequence[int | None]) -> float:
    """Return the median; who never came there took for ever."""
    return float(np.median([np.inf if one is None else one for one in samples]))


def in_words(samples: Sequence[int | None], steps: int) -> str:
    """Return median and range."""
    low, middle, high = (
        f"{value:,.0f}" if np.isfinite(value) else f"> {steps:,}"
        for value in (min(map(_number, samples)), median(samples), max(map(_number, samples)))
    )
    return f"{middle} ({low} to {high})" if low != high else middle


def times_text(many: Sequence[int | None], few: Sequence[int | None], steps: int) -> str:
    """Return how many times as many samples ``many`` took, at the medians."""
    if not np.isfinite(median(few)):
        return "-"
    if not np.isfinite(median(many)):
        return f"> {steps / median(few):.1f}"
    return f"{median(many) / median(few):.1f}"


def _number(one: int | None) -> float:
    return np.inf if one is None else float(one)


def picture(found: Mapping[int, Curves], path: Path) -> None:
    """Draw the returns against the rounds played, a panel a fleet: mean and range of the seeds."""
    from PIL import Image

    from analysis.plots.style import FORMATS, PAGE_IN, house_style, new_figure

    with house_style():
        figure = new_figure(PAGE_IN, 2.7)
        for place, (n_devices, curves) in enumerate(found.items(), start=1):
            axes = figure.add_subplot(1, len(found), place)
            panel(axes, n_devices, curves)
            if place == 1:
                axes.set_ylabel("Return (minus the objective)")
                axes.legend(loc="lower right")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="png", **{**FORMATS["png"], "dpi": 160})
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def panel(axes: "Axes", n_devices: int, curves: Curves) -> None:
    """Draw the curves of a fleet."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    from analysis.plots.panels import INDIGO, TEAL

    steps = [step for step, _ in curves[BRANCHES][0]]
    for kind, name, colour, line in ((BRANCHES, "branches", INDIGO, "-"), (JOINT, "joint action", TEAL, "--")):
        values = np.array([[value for _, value in curve] for curve in curves[kind]])
        axes.fill_between(steps, values.min(axis=0), values.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        axes.plot(steps, values.mean(axis=0), line, color=colour, label=name)
    goal = common_return(curves)
    axes.axhline(goal, color="#555555", linewidth=0.7, linestyle=":", label="the same return")
    took = [
        in_words([samples_to(curve, goal) for curve in curves[kind]], steps[-1]).split(" (")[0] for kind in (BRANCHES, JOINT)
    ]
    axes.set_title(f"{n_devices} devices, {N_WAYS**n_devices:,} joint actions\nbranches {took[0]}, joint {took[1]}")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("Rounds played")


if __name__ == "__main__":
    main()
