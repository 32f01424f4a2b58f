"""Trials of the small synthetic world under policies that a test writes down, and their rows."""

from dataclasses import dataclass, field

from control_world import controlled, env_world

from mecsim.build.energy import build_tariff
from mecsim.build.network import build_channel
from mecsim.build.rehearsal import Stage
from mecsim.build.trial import Trial
from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.control.policy import Assignment, Decision
from mecsim.jobs import synthetic
from mecsim.knobs import Settings
from mecsim.rng import Streams
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
    of = controlled(changes)
    stage = stage_of(of, replication)
    return Trial(
        of,
        0,
        stage.make_scheme(),
        stage.channel,
        seeds=stage.seeds,
        n_samples=stage.dealt["n_samples"],
        demand=demand,
        policy=policy,
    )


def stage_of(of, replication=0, index=0):
    world, room = env_world(of, replication), SyntheticRoom()
    return Stage(
        scenario=of,
        index=index,
        make_scheme=lambda: room.scheme(of, index, world.seeds, world.dealt, {}),
        channel=build_channel(of, Streams(world.seeds.world)),
        seeds=world.seeds,
        dealt=world.dealt,
    )


def played(policy, changes=None, **how):
    """Return the trial at its end."""
    return trial_of(policy, changes, **how).finish()


def rows(trial, changes=None):
    """Return the tables of a finished trial."""
    return world_rows(Context(KEY, trial.world, build_tariff(controlled(changes))), trial.rounds)


def asked(trial):
    """Return the devices of each round, from the first on."""
    return [[turn.device for turn in log.round.turns] for log in trial.rounds[1:]]
