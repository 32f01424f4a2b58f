"""What a scenario may name: the catalog of the learning room and of the world, as the loader wants it."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mecsim.build.fleet import memory_of_group
from mecsim.build.rules import physics
from mecsim.cli.control_rules import control_fits, objective_has_every_round
from mecsim.config.base import PATH
from mecsim.config.catalog import Catalog
from mecsim.config.loader import Loaded, load_study, read_plugins
from mecsim.config.scenario import PartialScenario
from mecsim.control.catalog import POLICIES
from mecsim.errors import MecsimError, Problem
from mecsim.nodes.profiles import PROFILES

if TYPE_CHECKING:
    from learners.catalog import Architecture


def load(path: Path, overrides: Sequence[str] | None) -> Loaded:
    """Return the valid scenario at ``path`` and its variants; its plugins are imported first: they may add to the catalog."""
    from learners.catalog import load_plugins

    load_plugins(read_plugins(path, overrides or ()))
    return load_study(path, build_catalog(), overrides or ())


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
        policies={name: entry.params for name, entry in POLICIES.items()},
        extra_checks=(
            model_and_costs_fit_the_task,
            memory_holds_the_weights,
            schemes_fit_the_learning,
            schemes_fit_the_protocol,
            control_fits,
            objective_has_every_round,
            physics,
        ),
    )


def model_and_costs_fit_the_task(scenario: PartialScenario) -> Iterable[Problem]:
    """Report a model, or an architecture to account as, that cannot do what the dataset asks for."""
    from learners.catalog import DATASETS

    dataset = scenario.get("learning.dataset")
    if dataset is None:
        return
    wanted = DATASETS[dataset.name].task_of(dataset.params)
    for key, name in _named_models(scenario):
        shape, problem = _shape(key, name)
        if problem:
            yield problem
        if shape is not None and wanted not in shape.tasks:
            yield Problem(
                key=key,
                message=f"{name!r} does {', '.join(shape.tasks)}, and the dataset {dataset.name!r} is for {wanted}",
                remedy="Choose a model and an architecture for that task ('mecsim list models'), or another dataset.",
            )


def memory_holds_the_weights(scenario: PartialScenario) -> Iterable[Problem]:
    """Report groups whose memory cannot hold the model's weights, where every scheme of the scenario needs them whole."""
    from learners.catalog import SCHEMES

    if any(not SCHEMES[entry.name].holds_backbone for entry in scenario.schemes.values()):
        return
    key = "learning.account_as" if "learning.account_as" in scenario else "learning.model"
    architecture, fleet = scenario.get(key), scenario.get("fleet")
    shape, _ = _shape(key, architecture)
    if shape is None or fleet is None or any(group.profile.startswith(PATH) for group in fleet.groups):
        return
    weights_bytes = 4.0 * shape.backbone_parameters
    for index, config in enumerate(fleet.groups):
        memory_bytes = memory_of_group(config)
        if config.devices is None and memory_bytes < weights_bytes:
            yield Problem(
                key=f"fleet.groups.{index}",
                message=(
                    f"{config.name!r} can use {memory_bytes / 1e6:.0f} MB for training, and the weights of "
                    f"{architecture} alone take {weights_bytes / 1e6:.0f} MB: every scheme would refuse it"
                ),
                remedy="Give the group more memory_gb, choose a larger profile, or a smaller learning.account_as or model.",
            )


def schemes_fit_the_learning(scenario: PartialScenario) -> Iterable[Problem]:
    """Report schemes that train where nothing is trained, and stand-ins where something is."""
    from learners.catalog import SCHEMES

    learning = scenario.get("learning.kind")
    for index, entry in scenario.schemes.items():
        if learning is not None and SCHEMES[entry.name].learns != (learning == "trained"):
            other = "trained: give a model and a dataset" if learning == "synthetic" else "synthetic"
            yield Problem(
                key=f"schemes.{index}.name",
                message=f"{entry.name!r} does not go with learning of kind {learning}",
                remedy=f"Choose another scheme ('mecsim list schemes'), or make learning.kind {other}.",
            )


def schemes_fit_the_protocol(scenario: PartialScenario) -> Iterable[Problem]:
    """Report schemes that make no sense under the protocol."""
    from learners.catalog import SCHEMES

    protocol = scenario.get("protocol.kind")
    for index, entry in scenario.schemes.items():
        fitting = SCHEMES[entry.name].protocols_of(entry.params)
        if protocol is not None and protocol not in fitting:
            yield Problem(
                key=f"schemes.{index}.name",
                message=f"{entry.label!r} cannot run under the protocol {protocol}",
                remedy=f"Leave it out, or set protocol.kind to {' or '.join(sorted(fitting))}.",
            )


def _named_models(scenario: PartialScenario) -> Iterable[tuple[str, str | None]]:
    """Return every key that names a model or an architecture, with its value."""
    yield from ((key, scenario.get(key)) for key in ("learning.model", "learning.account_as"))
    for index, entry in scenario.schemes.items():
        for key in ("model", "account_as", "small", "small_account_as"):
            yield f"schemes.{index}.{key}", getattr(entry.params, key, None)


def _shape(key: str, name: str | None) -> "tuple[Architecture | None, Problem | None]":
    """Return the shape behind a name that is valid where it stands; a package or folder may still be missing."""
    from learners.models.architectures import architecture_of
    from learners.models.packaged import package_path
    from learners.models.sources import architecture_of_model, model_entry

    if name is None or name.startswith("hub:"):  # the hub is asked when the study runs, not before
        return None, None
    try:
        if name.startswith("folder:"):  # what jobs call a folder; a scenario has path:
            raise MecsimError(f"{name!r} is no name for a scenario: use path:FOLDER")
        if key.endswith("account_as"):
            return architecture_of(name), None
        if (entry := model_entry(name)).package is not None:
            package_path(name, entry)  # raises where the package is not installed
        return architecture_of_model(name), None
    except MecsimError as error:
        remedy = "Correct the name or path, or install what is missing."
        return None, Problem(key=key, message=str(error), remedy=remedy)
