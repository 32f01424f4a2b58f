"""Commands on the store of learning results."""

from typing import Annotated

import typer

from mecsim.cli.options import DEFAULT_STORE, StoreFolder
from mecsim.jobs.store import Store

app = typer.Typer(help="Look at and clean the store of learning results.", no_args_is_help=True)
_SECONDS_PER_DAY = 86_400.0


@app.command()
def info(store: StoreFolder = DEFAULT_STORE) -> None:
    """Print how many results the store holds, and their size.

    Example: mecsim store info
    """
    held = Store(store, numerics="").info()
    if not held.n_results:
        typer.echo(f"{store} is empty.")
        return
    for kind, count in held.n_results.items():
        typer.echo(f"{kind:12} {count:8} results {held.size_bytes[kind] / 1e6:10.1f} MB")
    typer.echo(f"{'total':12} {sum(held.n_results.values()):8} results {sum(held.size_bytes.values()) / 1e6:10.1f} MB")


@app.command()
def prune(
    days: Annotated[float, typer.Option(min=0.0, help="Forget results that nobody used for this many days.")] = 30.0,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Forget results that were not used lately; studies that need them compute them again.

    Example: mecsim store prune --days 7
    """
    count = Store(store, numerics="").prune(unused_for_s=days * _SECONDS_PER_DAY)
    typer.echo(f"{count} results removed from {store}.")


@app.command()
def clear(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    store: StoreFolder = DEFAULT_STORE,
) -> None:
    """Forget every result.

    Example: mecsim store clear --yes
    """
    if not yes:
        typer.confirm(f"Remove every result in {store}?", abort=True)
    typer.echo(f"{Store(store, numerics='').clear()} results removed from {store}.")
