"""What a scenario may name: the catalog of the learning room and of the world, as the loader wants it."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from mecsim.build import build_group
from mecsim.config.catalog import Catalog
from mecsim.config.loader import load_scenario, read_plugins
from mecsim.config.scenario import PartialScenario, Scenario
from mecsim.errors import Problem
from mecsim.nodes.profiles import PROFILES


def load(path: Path, overrides: Sequence[str] | None) -> Scenario:
    """Return the valid scenario at ``path``; its plugins are imported first, as they may add to the catalog."""
    from learners.catalog import load_plugins

    load_plugins(read_plugins(path, overrides or ()))
    return load_scenario(path, build_catalog(), overrides or ())


def build_catalog() -> Catalog:
    """Return every name that a scenario may use. Loads no torch."""
    from learners.catalog import ARCHITECTURES, DATASETS, MODELS, SCHEMES

    servers = {name: profile.source for name, profile in PROFILES.items() if name.startswith("server-")}
    return Catalog(
        schemes={name: entry.params for name, entry in SCHEMES.items()},
        models={name: entry.description for name, entry in MODELS.items()},
        architectures={name: entry.description for name, entry in ARCHITECTURES.items()},
        datasets={name: entry.params for name, entry in DATASETS.items()},
        profiles={name: profile.source for name, profile in PROFILES.items()},
        servers=servers,
        extra_checks=(memory_holds_the_weights,),
    )


def memory_holds_the_weights(scenario: PartialScenario) -> Iterable[Problem]:
    """Report groups whose memory cannot even hold the model's weights, so that every scheme would refuse them."""
    from learners.catalog import ARCHITECTURES

    architecture = scenario.get("learning.account_as") or scenario.get("learning.model")
    fleet = scenario.get("fleet")
    if architecture not in ARCHITECTURES or fleet is None:
        return
    weights_bytes = 4.0 * ARCHITECTURES[architecture].backbone_parameters
    for index, config in enumerate(fleet.groups):
        group = build_group(config)
        if group.memory_budget_bytes < weights_bytes:
            yield Problem(
                key=f"fleet.groups.{index}",
                message=(
                    f"{group.name!r} can use {group.memory_budget_bytes / 1e6:.0f} MB for training, and the weights of "
                    f"{architecture} alone take {weights_bytes / 1e6:.0f} MB: every scheme would refuse it"
                ),
                remedy="Give the group more memory_gb, choose a larger profile, or a smaller learning.account_as or model.",
            )
