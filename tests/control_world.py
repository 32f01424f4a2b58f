"""A small synthetic world under control: eight phones and boards, four choices, and stories of its environment."""

import numpy as np
from worlds import scenario

from mecsim.cli.synthetic_room import SyntheticRoom
from mecsim.gym_env import ControlEnv, EnvWorld
from mecsim.jobs import synthetic

CHOICES = [1.0, 0.75, 0.5, 0.25]
SCHEME = {
    "name": "synthetic",
    "backbone_mb": 20,
    "download_mb": 1,
    "update_mb": 1,
    "flop_per_sample": 1e9,
    "peak_memory_gb": 1.0,
    "choices": CHOICES,
    "renew_every": 2,
    "control": {"name": "random"},
}
BASE = {
    "fleet.groups": [
        {"name": "phones", "profile": "phone-mid", "count": 5},
        {"name": "boards", "profile": "raspberry-pi-5", "count": 3},
    ],
    "protocol.rounds": 6,
    "protocol.clients_per_round": 4,
    "objective": {"time_scale_s": 30, "energy_scale_j": 500},
    "schemes.0": SCHEME,
}


def controlled(changes=None, **keys):
    return scenario({**BASE, **(changes or {})}, **keys)


def env_world(of, replication=0):
    """Return a world of the scenario: the one of its replication."""
    seeds, room = of.trial_seeds(replication), SyntheticRoom()
    dealt = synthetic.execute(room.partition(of, seeds), [])
    return EnvWorld(seeds=seeds, dealt=dealt.numbers, sheets={})


class Curve:
    """The accuracies that the synthetic scheme's own jobs give."""

    def __init__(self, world, scheme):
        pass

    def after(self, each):
        return synthetic.execute(each.quality, []).numbers["accuracy"]


def control_env(changes=None, n_worlds=1, quality=Curve, **options):
    of = controlled(changes)
    worlds = [env_world(of, replication) for replication in range(n_worlds)]
    return ControlEnv(of, 0, SyntheticRoom(), worlds, quality, **options)


#: Too little memory, too little storage, batteries that soon are low, and a board that can do everything.
TIGHT = {
    "fleet.groups": [
        {"name": "small", "profile": "phone-mid", "count": 2, "memory_gb": 1.0},
        {"name": "full", "profile": "phone-mid", "count": 1, "storage_gb": 0.012},
        {
            "name": "low",
            "profile": "phone-mid",
            "count": 2,
            "battery": {"capacity_wh": 0.2, "level": [0.1, 0.5], "least_level": 0.2},
        },
        {"name": "board", "profile": "raspberry-pi-5", "count": 1, "memory_gb": 8},
    ],
    "protocol.rounds": 20,
    "protocol.clients_per_round": 3,
}


def drawn(env, rng):
    """Return an action at random among those that the masks allow."""
    masks = np.split(env.action_masks(), np.cumsum(env.action_space.nvec)[:-1])
    return np.array([rng.choice(np.flatnonzero(mask)) for mask in masks])


def played(env, rng, **how):
    """Play an episode at random; return what was seen, what it brought, and the infos, with those of the reset first."""
    first, info = env.reset(**how)
    seen, rewards, infos, over = [first], [], [info], False
    while not over:
        observation, reward, terminated, truncated, info = env.step(drawn(env, rng))
        seen.append(observation)
        rewards.append(reward)
        infos.append(info)
        over = terminated or truncated
    return seen, rewards, infos


class Noted:
    """Branches that note the decisions."""

    def __init__(self, branches):
        self.script, self.branches = [], branches

    def decode(self, actions, observation):
        self.script.append(self.branches.decode(actions, observation))
        return self.script[-1]

    def __getattr__(self, name):
        return getattr(self.branches, name)


class Counting:
    """A surrogate's form: the accuracy is a tenth of what was merged."""

    def __init__(self):
        self.totals, self.merged = [], []

    def start(self, total):
        self.totals.append(list(total))
        return State(0.0)

    def step(self, state, merged):
        self.merged += [merged] if merged else []
        return State(state.accuracy + 0.1 * len(merged) / 10)


class State:
    def __init__(self, accuracy):
        self.accuracy = accuracy
