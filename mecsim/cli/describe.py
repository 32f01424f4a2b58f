"""Commands that only tell: validate, list, schema. None of them loads torch."""

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from mecsim.cli.options import Overrides, ScenarioFile

if TYPE_CHECKING:
    from learners.catalog import Method, SchemeEntry


class Kind(StrEnum):
    """What can be listed."""

    SCHEMES = "schemes"
    METHODS = "methods"
    MODELS = "models"
    ARCHITECTURES = "architectures"
    DATASETS = "datasets"
    DEVICES = "devices"
    PATH_LOSS = "path-loss"
    SHARING = "sharing"
    STATIONS = "stations"
    RADIOS = "radios"
    TRACES = "traces"
    PROTOCOLS = "protocols"
    SELECTION = "selection"
    POLICIES = "policies"


_WIDTH = 160
#: Titles of the numbers between a name and its line of words.
_HEADS = {
    Kind.DEVICES: ("TFLOP/s", "reached %", "GB/s", "GB", "idle W", "active W", "Wh"),
    Kind.STATIONS: ("transceivers", "radiated W", "static W", "sending W"),
}


def validate(scenario: ScenarioFile, overrides: Overrides = None) -> None:
    """Check a scenario and print it with every default spelled out.

    Example: mecsim validate scenarios/quickstart.yaml --set protocol.rounds=30
    """
    from mecsim.build.rules import warnings_of_all
    from mecsim.cli.names import load
    from mecsim.config.loader import resolved_yaml

    loaded = load(scenario, overrides)
    for warning in warnings_of_all(variant.scenario for variant in loaded.variants):
        typer.echo(f"Note: {warning}", err=True)
    if loaded.scenario.sweep:
        names = "\n".join(f"  {variant.name}" for variant in loaded.variants)
        typer.echo(f"The sweep has {len(loaded.variants)} variants, each of them valid:\n{names}", err=True)
    typer.echo(resolved_yaml(loaded.scenario), nl=False)


def schema() -> None:
    """Print the JSON Schema of scenarios, for editors that complete and check YAML.

    Example: mecsim schema > scenario.schema.json
    """
    from mecsim.cli.names import build_catalog
    from mecsim.config.schema import json_schema

    typer.echo(json.dumps(json_schema(build_catalog()), indent=2))


def list_names(kind: Annotated[Kind, typer.Argument(help="What to list.", show_default=False)]) -> None:
    """List the names that a scenario may use.

    Example: mecsim list schemes
    """
    from rich.console import Console
    from rich.table import Table

    rows = sorted((name, *cells) for name, cells in _described(kind).items())
    head = _HEADS.get(kind, ())
    table = Table(box=None, show_header=bool(head), padding=(0, 2, 0, 0))
    table.add_column("name", style="bold", no_wrap=True)
    for title in head:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("" if not head else "source")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)  # a file or a pipe has no width of its own


def _described(kind: Kind) -> dict[str, tuple[str, ...]]:
    """Return the cells behind each name: the numbers of ``_HEADS``, and a line of words."""
    match kind:
        case Kind.DEVICES:
            return _devices()
        case Kind.STATIONS:
            return _stations()
        case Kind.SCHEMES | Kind.METHODS | Kind.MODELS | Kind.ARCHITECTURES | Kind.DATASETS:
            lines = _lines_of_learning(kind)
        case _:
            lines = _lines_of_world(kind)
    return {name: (line,) for name, line in lines.items()}


def _devices() -> dict[str, tuple[str, ...]]:
    from mecsim.nodes.profiles import PROFILES

    return {
        name: (
            f"{profile.peak_flops / 1e12:.3g}",
            f"{100.0 * profile.efficiency:.3g}",
            f"{profile.memory_bandwidth_bytes_per_s / 1e9:.3g}",
            f"{profile.memory_bytes / 1e9:.3g}",
            f"{profile.idle_w:g}",
            f"{profile.active_w:g}",
            "-" if profile.battery_wh is None else f"{profile.battery_wh:g}",
            profile.source,
        )
        for name, profile in PROFILES.items()
    }


def _stations() -> dict[str, tuple[str, ...]]:
    from mecsim.nodes.station_power import STATIONS

    source = "Auer et al., 2011: a site of LTE as of 2010"
    return {
        name: (str(power.n_trx), f"{power.maximum_w:g}", f"{power.static_w:.4g}", f"{power.dynamic_w:.4g}", source)
        for name, power in STATIONS.items()
    }


def _lines_of_learning(kind: Kind) -> dict[str, str]:
    from learners import catalog

    catalog.load_plugins(())
    match kind:
        case Kind.SCHEMES:
            return {name: _scheme_line(entry) for name, entry in catalog.SCHEMES.items()}
        case Kind.METHODS:
            return {name: _method_line(entry) for name, entry in catalog.METHODS.items()}
        case Kind.MODELS:
            return {name: entry.description for name, entry in catalog.MODELS.items()}
        case Kind.ARCHITECTURES:
            return {name: shape.description for name, shape in catalog.ARCHITECTURES.items()}
        case _:
            return {name: entry.description for name, entry in catalog.DATASETS.items()}


def _lines_of_world(kind: Kind) -> dict[str, str]:
    from mecsim.config.protocol import PROTOCOL_KINDS, SELECTION_KINDS
    from mecsim.config.radio import PATH_LOSS_KINDS, SHARING_KINDS
    from mecsim.control.catalog import POLICIES
    from mecsim.nodes.radio_power import RADIO_POWER
    from mecsim.traces.column_map import load_map, preset_names

    match kind:
        case Kind.PATH_LOSS:
            return dict(PATH_LOSS_KINDS)
        case Kind.SHARING:
            return dict(SHARING_KINDS)
        case Kind.RADIOS:
            return {name: radio.source for name, radio in RADIO_POWER.items()}
        case Kind.TRACES:
            return {name: load_map(name).description for name in preset_names()}
        case Kind.PROTOCOLS:
            return dict(PROTOCOL_KINDS)
        case Kind.POLICIES:
            return {name: entry.description for name, entry in POLICIES.items()}
        case _:
            return dict(SELECTION_KINDS)


def _method_line(method: "Method") -> str:
    rates = ", ".join(f"{rate:g} with {optimizer}" for optimizer, rate in method.learning_rates.items())
    return f"{method.description}; learning rate {rates}"


def _scheme_line(entry: "SchemeEntry") -> str:
    return f"{entry.description} (reconstruction)" if entry.reconstruction else entry.description
