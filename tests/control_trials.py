"""Trials of the small synthetic world under policies that a test writes down, and their rows."""

from dataclasses import dataclass, field, replace

import numpy as np
from control_world import CHOICES, controlled, env_world

from mecsim.build.energy import build_tariff
from mecsim.build.stage import build_stage
from mecsim.build.trial import Trial
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.control.branches import Branches
from mecsim.control.features import N_ROUND_FEATURES, n_device_features
from mecsim.control.learned import facts_of, save
from mecsim.control.policy import Assignment, Decision
from mecsim.control.surrogate import Surrogate
from mecsim.control.surrogate_model import Coefficients
from mecsim.jobs import synthetic
from mecsim.knobs import Settings
from mecsim.tables import Context, world_rows

KEY = {"scheme": "synthetic", "label": "synthetic", "variant": "", "seed": 1}


def asks(*devices, bandwidth=1.0, power_db=0.0, **settings):
    """Return the decision that asks ``devices``, all with the same settings."""
    assigned = [
        Assignment(device=device, settings=Settings(**settings), bandwidth=bandwidth, power_db=power_db) for device in devices
    ]
    return Decision(tuple(assigned))


@dataclass
class Says:
    """Asks what a function of the observation says, and keeps what it was shown."""

    says: object
    chooses_devices: bool = True
    asks_quality: bool = False
    shown: list = field(default_factory=list)

    def decide(self, observation):
        self.shown.append(observation)
        return self.says(observation)


def script(*decisions):
    """Return the policy that plays ``decisions``, the last one for ever."""
    return Says(lambda observation: decisions[min(observation.round_number, len(decisions)) - 1])


def assigning(assignment):
    """Return the policy that leaves the choice of devices to the selection, and gives each what ``assignment`` returns."""
    return Says(
        lambda observation: Decision(tuple(assignment(int(device), observation) for device in observation.devices)),
        chooses_devices=False,
    )


def numbers_of(jobs):
    """Return the numbers of the synthetic scheme's own evaluations."""
    return [synthetic.execute(job, []).numbers for job in jobs]


def trial_of(policy, changes=None, *, demand=None, replication=0):
    """Return the trial, not begun."""
    return Trial(stage_of(controlled(changes), replication), demand=demand, policy=policy)


def stage_of(of, replication=0, index=0):
    world = env_world(of, replication)
    return build_stage(of, index, SyntheticRoom(), seeds=world.seeds, dealt=world.dealt, sheets={})


def played(policy, changes=None, **how):
    """Return the trial at its end."""
    return trial_of(policy, changes, **how).finish()


def rows(trial, changes=None):
    """Return the tables of a finished trial."""
    return world_rows(Context(KEY, trial.world, build_tariff(controlled(changes))), trial.rounds)


def asked(trial):
    """Return the devices of each round, from the first on."""
    return [[turn.device for turn in log.round.turns] for log in trial.rounds[1:]]


#: Made-up numbers of a surrogate with three choices, all of which matter.
COEFFICIENTS = Coefficients(
    rate_level=0.2,
    rate_local=0.8,
    rate_start_local=0.5,
    rate_updates=0.4,
    rate_exposure=0.9,
    rate_device_exposure=0.4,
    rate_age=-0.3,
    floor_level=-3.2,
    floor_updates=-0.2,
    floor_exposure=1.0,
    floor_device_exposure=0.4,
    floor_age=0.4,
    memory=0.5,
    log_least_exposure=-3.0,
    rate_choice=(0.0, -0.3, -0.8),
    floor_choice=(0.0, 0.3, 0.9),
)


def surrogate_of(choices=CHOICES):
    """Return a surrogate of these choices, under which more rounds are needed."""
    coefficients = replace(
        COEFFICIENTS,
        rate_level=-1.0,
        rate_choice=tuple(-0.3 * place for place in range(len(choices))),
        floor_choice=tuple(0.2 * place for place in range(len(choices))),
    )
    return Surrogate(choices=tuple(choices), start_accuracy=0.1, coefficients=coefficients)


def write_learned(folder, choices=CHOICES, *, seed=0, hidden=8, asks_quality=True, bandwidths=(1.0,)):
    """Write a policy that nobody has trained: weights at random, and what comes with a policy beside it."""
    rng, branches = np.random.default_rng(seed), Branches(n_choices=len(choices), renews=True, bandwidths=bandwidths)
    shapes = {"encoder.0": (hidden, n_device_features(len(choices)) + N_ROUND_FEATURES), "combiner.0": (hidden, 3 * hidden)}
    shapes |= {f"heads.{name}": (size, hidden) for name, size in zip(branches.names, branches.sizes, strict=True)}
    weights = {f"{name}.weight": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    weights |= {f"{name}.bias": rng.normal(size=shape[0]).astype(np.float32) for name, shape in shapes.items()}
    facts = facts_of(knob="scale", choices=choices, branches=branches, training={"seed": seed})
    save(folder, weights, facts.model_copy(update={"asks_quality": asks_quality}))
    surrogate_of(choices).save(folder / "surrogate.json")
    points = (
        "source,world,label,round,predicted,observed,one_step\nfit,7,random 0,1,0.5,0.25,0.3\nheld-out,8,fixed 4,2,0.75,0.5,\n"
    )
    (folder / "surrogate.csv").write_text(points)
    curve = "steps,n_episodes,mean_return,std_return,mean_length,evaluation_return\n0,0,,,,-9.5\n64,4,-8.0,0.5,6.0,-7.25\n"
    (folder / "curve.csv").write_text(curve)
    return folder / "policy.json"
