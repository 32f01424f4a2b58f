"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

ScenarioFile = Annotated[Path, typer.Argument(help="The scenario's YAML file.", show_default=False)]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change one key, e.g. network.carrier.bandwidth_mhz=2; may be given again."
    ),
]
StoreFolder = Annotated[
    Path,
    typer.Option("--store", envvar="MECSIM_STORE", help="Folder of the results of learning that all studies share."),
]
DEFAULT_STORE = Path(".mecsim/store")
