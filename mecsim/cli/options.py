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
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        envvar="MECSIM_WORKERS",
        help="Processes that learn side by side; 1: none but this one. Default: one a core, 8 at most.",
        show_default=False,
    ),
]
DEFAULT_STORE = Path(".mecsim/store")
