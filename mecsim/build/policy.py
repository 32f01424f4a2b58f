"""From a scheme's ``control`` to the policy that decides in a trial."""

import math
from functools import lru_cache
from pathlib import Path

from mecsim.build.observing import NO_KNOB
from mecsim.build.rehearsal import Scripted, check_choices, rehearse
from mecsim.build.stage import Stage
from mecsim.config.entries import ControlEntry
from mecsim.control.catalog import POLICIES
from mecsim.control.policy import Policy, PolicyContext, Script
from mecsim.control.surrogate import Surrogate
from mecsim.rng import Streams


def asks_quality(control: ControlEntry | None) -> bool:
    """Tell whether a trial under this policy waits for its training."""
    return control is not None and POLICIES[control.name].asks_quality(control.params)


def build_policy(stage: Stage) -> Policy | None:
    """Return the policy of the stage's scheme, fresh for one trial; None where nobody decides."""
    scenario, entry = stage.scenario, stage.scenario.schemes[stage.index]
    if entry.control is None:
        return None
    own = stage.make_scheme().knob()
    knob = own or NO_KNOB

    @lru_cache
    def loaded(path: Path) -> Surrogate:
        surrogate = Surrogate.load(path)
        check_choices(surrogate, own)
        return surrogate

    def tried(script: Script, surrogate: Path) -> float:
        played = rehearse(stage, Scripted(script), loaded(surrogate))
        # A device that refuses costs nothing: no policy may ask it, so no script gains by that.
        return math.nan if played.n_refused else played.objective

    context = PolicyContext(
        streams=Streams(stage.seeds.world),
        choices=knob.choices,
        default=knob.default_index,
        n_asked=scenario.n_asked(stage.index),
        n_rounds=scenario.protocol.rounds,
        n_devices=scenario.fleet.n_devices,
        sharing=scenario.network.sharing.kind,
        rehearse=tried,
    )
    return POLICIES[entry.control.name].create(entry.control.params, context)
