"""Play a trial round by round, with decisions drawn at random: python play_rounds.py SCENARIO LABEL SEED

An agent would look at ``seen`` in place of drawing. Each state is trained as it comes; the store remembers it.
"""

import sys
from pathlib import Path

import numpy as np

from mecsim.cli.names import load
from mecsim.cli.policy_subject import env_worlds, subject_of
from mecsim.cli.workers import runner_of
from mecsim.gym_env import ControlEnv
from mecsim.qualities import Trained

file, label, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
subject = subject_of(load(file, None).scenario, label)  # in worlds that no study of the scenario meets
runner, store = runner_of(Path(".mecsim/store"), 1)
env = ControlEnv(
    subject.scenario,
    subject.index,
    subject.learning,
    env_worlds(subject, runner, range(4)),
    quality=lambda world, scheme: Trained(lambda job: runner.demand([job])[0].numbers),
)

seen, info = env.reset(seed=seed)
rng, ends = np.random.default_rng(seed), np.cumsum(env.action_space.nvec)[:-1]
objective, over = 0.0, False
while not over:
    action = np.array([rng.choice(np.flatnonzero(allowed)) for allowed in np.split(env.action_masks(), ends)])
    seen, reward, terminated, truncated, info = env.step(action)
    objective, over = objective - reward, terminated or truncated
    spent = f"{info['round_s']:.3f} s, {info['energy_j']:.3f} J"
    sys.stdout.write(f"devices {info['asked']}: {spent}, accuracy {info['accuracy']:.4f}\n")
sys.stdout.write(f"objective {objective:.4f}, the end: {info['ending']}\n")
store.close()
