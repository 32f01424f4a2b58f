"""Commands that only tell: validate, list, schema. None of them loads torch."""

import json
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
    PROTOCOLS = "protocols"
    SELECTION = "selection"
    SHARING = "sharing"


def validate(scenario: ScenarioFile, overrides: Overrides = None) -> None:
    """Check a scenario and print it with every default spelled out.

    Example: mecsim validate scenarios/quickstart.yaml --set protocol.rounds=30
    """
    from mecsim.build.rules import warnings_of
    from mecsim.cli.names import load
    from mecsim.config.loader import resolved_yaml

    valid = load(scenario, overrides)
    for warning in warnings_of(valid):
        typer.echo(f"Note: {warning}", err=True)
    typer.echo(resolved_yaml(valid), nl=False)


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

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for name, description in sorted(_described(kind).items()):
        table.add_row(name, description)
    Console().print(table)


def _described(kind: Kind) -> dict[str, str]:
    from learners import catalog
    from mecsim.config.protocol import PROTOCOL_KINDS, SELECTION_KINDS
    from mecsim.config.radio import PATH_LOSS_KINDS, SHARING_KINDS
    from mecsim.nodes.profiles import PROFILES

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
        case Kind.DATASETS:
            return {name: entry.description for name, entry in catalog.DATASETS.items()}
        case Kind.DEVICES:
            return {name: profile.source for name, profile in PROFILES.items()}
        case Kind.PATH_LOSS:
            return dict(PATH_LOSS_KINDS)
        case Kind.PROTOCOLS:
            return dict(PROTOCOL_KINDS)
        case Kind.SELECTION:
            return dict(SELECTION_KINDS)
        case Kind.SHARING:
            return dict(SHARING_KINDS)


def _method_line(method: "Method") -> str:
    rates = ", ".join(f"{rate:g} with {optimizer}" for optimizer, rate in method.learning_rates.items())
    return f"{method.description}; learning rate {rates}"


def _scheme_line(entry: "SchemeEntry") -> str:
    return f"{entry.description} (reconstruction)" if entry.reconstruction else entry.description
