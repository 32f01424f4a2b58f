"""mecsim: federated fine-tuning at the mobile edge, simulated in time and energy, trained for real."""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mecsim.api import load_scenario, open_run, run

__all__ = ["__version__", "load_scenario", "open_run", "run"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: `import mecsim` is for everyone, and costs nothing.
    if name in ("load_scenario", "open_run", "run"):
        from mecsim import api

        return getattr(api, name)
    raise AttributeError(f"module 'mecsim' has no attribute {name!r}")
