"""A trial as a Gymnasium environment: a step is a round, an action is a small whole number for each device and branch.

The world is the one of any study, and the real scheme names the jobs; only what a state is worth comes from a quality model,
which may foretell it. Needs the extra ``rl``.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from mecsim.build.control import LOOKED_AT
from mecsim.build.observing import NO_KNOB
from mecsim.build.rehearsal import objective_of
from mecsim.build.stage import Learning, Stage, build_stage
from mecsim.build.trial import Trial
from mecsim.config.protocol import DeadlineProtocol
from mecsim.config.scenario import Scenario
from mecsim.control.branches import Branches
from mecsim.control.features import (
    LIMIT,
    N_ROUND_FEATURES,
    device_features,
    n_device_features,
    round_features,
)
from mecsim.control.observation import Bools, Observation
from mecsim.control.policy import Policy
from mecsim.episode import EnvWorld as EnvWorld
from mecsim.episode import Episode, Played, QualityModel
from mecsim.errors import MecsimError
from mecsim.federation.contract import ROUND_PROTOCOLS, Knob, Scheme
from mecsim.federation.deadline import n_with_spares
from mecsim.federation.rounds import BeforeAsking
from mecsim.jobs.job import Job
from mecsim.radio.sharing import steered

#: What an agent sees: "devices" (n, F), "round" (G,) and "available" (n,), all of them arrays of float32.
Seen = dict[str, Any]
Actions = NDArray[np.int64]

#: Seeds of drawn worlds begin here, so that none of them is a scenario's own, or one of its replications.
FIRST_DRAWN_SEED = 2**20

#: Makes the quality model of an episode from its world and its scheme.
MakeQuality = Callable[[EnvWorld, Scheme], QualityModel]


class ControlEnv(gymnasium.Env[Seen, Actions]):
    """Rounds of scheme ``index`` of a scenario, which has the section ``objective``; the scheme has the key ``control``.

    An action is one of ``branches``, device by device: MultiDiscrete(sizes * n). ``action_masks`` says what is allowed; what is
    not is a ValueError, or, if not ``strict``, the branch's first allowed action takes its place. ``bandwidths`` are weights
    among which the last branch chooses.

    The reward is minus the objective's cost of the round. ``terminated``: at the target accuracy or after the last round;
    ``truncated``: the time of the study is up. ``info`` has accuracy, round_s, energy_j (the devices'), downlink_bytes,
    uplink_bytes, asked (the devices) and outcomes (how many turns of each). Sums over an episode are those of the run folder.

    ``reset`` picks one of ``worlds``, and draws the seed of its places, channels and behaviour anew unless ``draws_seeds`` is
    false; data and learning stay those of the picked one. ``options={"world": i}`` plays world ``i`` as it is.
    """

    metadata = {"render_modes": []}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        scenario: Scenario,
        index: int,
        learning: Learning,
        worlds: Sequence[EnvWorld],
        quality: MakeQuality,
        *,
        bandwidths: tuple[float, ...] = (1.0,),
        draws_seeds: bool = True,
        strict: bool = True,
    ) -> None:
        _check(scenario, index, bandwidths)
        if not worlds:
            raise ValueError("an environment needs a world at least")
        self._scenario, self._index, self._learning = scenario, index, learning
        self._worlds, self._quality = tuple(worlds), quality
        self._draws_seeds, self._strict = draws_seeds, strict
        self._objective = objective_of(scenario)
        self.knob: Knob = self._stage(self._worlds[0]).make_scheme().knob() or NO_KNOB
        self.branches = Branches(n_choices=len(self.knob.choices), renews=self.knob.renews, bandwidths=bandwidths)
        self._episode: Episode | None = None
        n = scenario.fleet.n_devices
        features = n_device_features(len(self.knob.choices))
        self.observation_space = spaces.Dict(
            {
                "devices": spaces.Box(-LIMIT, LIMIT, (n, features), np.float32),
                "round": spaces.Box(-LIMIT, LIMIT, (N_ROUND_FEATURES,), np.float32),
                "available": spaces.Box(0.0, 1.0, (n,), np.float32),
            }
        )
        sizes = np.tile(np.array(self.branches.sizes, dtype=np.int64), n)
        self.action_space = spaces.MultiDiscrete(sizes)
        self._starts = np.cumsum(sizes) - sizes  # of each part of an action among the masks

    @property
    def episode(self) -> Episode:
        """The episode under way; a ValueError asks for a reset where there is none."""
        if self._episode is None:
            raise ValueError("call reset before anything else")
        return self._episode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Seen, dict[str, Any]]:
        """Begin an episode and return what is seen before its first round; ``info`` names its world."""
        super().reset(seed=seed)
        named = (options or {}).get("world")
        place = int(self.np_random.integers(len(self._worlds))) if named is None else int(named)
        world = self._worlds[place]
        if named is None and self._draws_seeds:
            drawn = int(self.np_random.integers(FIRST_DRAWN_SEED, 2**31))
            world = replace(world, seeds=replace(world.seeds, world=drawn))
        self._episode = self._begin(world)
        return self._seen(), {"world": place, "seed": world.seeds.world, "accuracy": self._episode.accuracy}

    def step(self, action: Actions) -> tuple[Seen, float, bool, bool, dict[str, Any]]:
        """Play a round."""
        episode = self.episode
        decision = self.branches.decode(self._allowed(np.asarray(action)), episode.observation)
        played = episode.play(decision)
        info = _info(played, episode)
        return self._seen(), -played.cost, episode.ending in ("target", "rounds"), episode.ending == "time", info

    def action_masks(self) -> Bools:
        """Return which actions are allowed now, in one row: device by device, branch by branch, action by action."""
        return self.branches.flat_mask(self.episode.observation)

    def _allowed(self, action: Actions) -> Actions:
        """Return an action that the masks allow."""
        if not self.action_space.contains(action):
            raise ValueError(f"no action of {self.action_space}: {action!r}")
        masks = self.action_masks()
        masked = np.flatnonzero(~masks[self._starts + action])
        if not masked.size:
            return action
        if self._strict:
            device, branch = divmod(int(masked[0]), len(self.branches.sizes))
            raise ValueError(
                f"device {device}: {self.branches.names[branch]} {action[masked[0]]} is masked; draw actions by action_masks()"
            )
        allowed = action.copy()
        allowed[masked] = [int(np.argmax(masks[self._starts[i] :])) for i in masked]
        return allowed

    def _seen(self) -> Seen:
        return seen(self.episode.observation)

    def _begin(self, world: EnvWorld) -> Episode:
        scenario, stage = self._scenario, self._stage(world)

        def begin(policy: Policy, before_asking: BeforeAsking) -> Trial:
            return Trial(stage, demand=_no_demand, policy=policy, before_asking=before_asking)

        protocol, n_asked = scenario.protocol, scenario.n_asked(self._index)
        return Episode(
            begin,
            self._quality(world, stage.make_scheme()),
            self._objective,
            n_rounds=protocol.rounds,
            n_asked=n_with_spares(n_asked, protocol.over_selection) if isinstance(protocol, DeadlineProtocol) else n_asked,
            target_accuracy=scenario.target_accuracy,
        )

    def _stage(self, world: EnvWorld) -> Stage:
        return build_stage(
            self._scenario, self._index, self._learning, seeds=world.seeds, dealt=world.dealt, sheets=world.sheets
        )


def seen(observation: Observation) -> Seen:
    """Return what an agent sees of an observation."""
    return {
        "devices": device_features(observation),
        "round": round_features(observation),
        "available": observation.available.astype(np.float32),
    }


def make_vec(make: Callable[[], ControlEnv], n: int, *, processes: bool = False) -> gymnasium.vector.VectorEnv[Any, Any, Any]:
    """Return ``n`` environments that step together, in as many processes or in this one; ``call("action_masks")`` gives masks.

    ``reset(seed=s)`` seeds them with s, s + 1 and so on. What begins after an end is the next episode, in the step behind it.
    """
    makers = [make] * n
    return gymnasium.vector.AsyncVectorEnv(makers) if processes else gymnasium.vector.SyncVectorEnv(makers)


def _check(scenario: Scenario, index: int, bandwidths: tuple[float, ...]) -> None:
    """Raise a MecsimError where the scenario cannot be played."""
    entry, protocol, n = scenario.schemes[index], scenario.protocol, scenario.fleet.n_devices
    if entry.control is None:
        raise MecsimError(f"{entry.label}: nobody decides here: add control, such as control: {{name: random}}")
    if protocol.kind not in ROUND_PROTOCOLS:
        kinds = " or ".join(sorted(ROUND_PROTOCOLS))
        raise MecsimError(f"protocol.kind is {protocol.kind}: a step is a round of devices asked together, so set {kinds}")
    if protocol.evaluate_every != 1:
        raise MecsimError("each round is rewarded by its accuracy: set protocol.evaluate_every to 1")
    if n > LOOKED_AT:
        raise MecsimError(f"the fleet has {n} devices, and an environment is of at most {LOOKED_AT}: use a smaller fleet")
    if len(bandwidths) > 1 and scenario.network.sharing.kind not in steered():
        raise MecsimError(
            f"network.sharing is {scenario.network.sharing.kind}, under which no policy divides the bandwidth: "
            f"set it to {' or '.join(steered())}, or leave bandwidth weights out"
        )


def _info(played: Played, episode: Episode) -> dict[str, Any]:
    down = sum(record.payload_bytes for turn in played.turns for _, record in turn.downloads)
    up = sum(record.payload_bytes for turn in played.turns for _, record in turn.uploads)
    return {
        "accuracy": played.accuracy,
        "round_s": played.seconds,
        "energy_j": played.joules,
        "downlink_bytes": down,
        "uplink_bytes": up,
        "asked": [turn.device for turn in played.turns],
        "outcomes": dict(Counter(turn.outcome for turn in played.turns)),
        "ending": episode.ending or "",
    }


def _no_demand(jobs: Sequence[Job]) -> list[Mapping[str, Any]]:
    raise MecsimError("the selection or the policy asks for results of training, which an environment has none of")
