"""Training of control policies by reinforcement learning. The modules need the extra ``rl``; this one does not."""

from importlib.util import find_spec

from mecsim.errors import MecsimError

NEEDED = ("gymnasium", "stable_baselines3", "sb3_contrib", "tensorboard")


def check_installed() -> None:
    """``MecsimError`` unless everything that training needs is installed."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MecsimError(f"training a policy needs {', '.join(missing)}: python -m pip install 'mecsim[rl]'")
