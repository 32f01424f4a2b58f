"""The command ``import-trace``: measured logs of others as canonical CSV files, and what is in them."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mecsim.errors import MecsimError

if TYPE_CHECKING:
    from mecsim.traces.geography import Degrees
    from mecsim.traces.link_series import LinkSeries
    from mecsim.traces.mobility import MobilityRows

#: So many devices get a line of their own; a trace may have half a million.
MOST_LINES = 20

_WIDTH = 120
_LINK_HEAD = ("device", "rows", "duplicates", "missing", "duration s", "held s", "outage %", "down Mbit/s", "up Mbit/s")
_MOBILITY_HEAD = ("device", "rows", "duration s", "path km", "m/s")
_CAPTION = {
    "link": "Held, outage: time in which a rate is that of an earlier row, or 0 as nothing is known. Rates: medians over time.",
    "mobility": "m/s: median of the speeds that were measured.",
}


class TraceKind(StrEnum):
    """What a trace tells."""

    LINK = "link"
    MOBILITY = "mobility"
    AVAILABILITY = "availability"
    DEVICE = "device"


def import_trace(
    files: Annotated[list[Path], typer.Argument(help="The files, CSV or JSON.", show_default=False)],
    kind: Annotated[TraceKind, typer.Option(help="What to read of them.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The canonical CSV file to write.", dir_okay=False, show_default=False)],
    preset: Annotated[str, typer.Option(help="Column map: a name, or a YAML file of your own.")] = "canonical",
    hold_s: Annotated[float, typer.Option(min=0.0, help="Hold a missing rate for so long; then there is no link.")] = 5.0,
    uplink_share: Annotated[
        float | None, typer.Option(help="Take the uplink as this share of the downlink.", show_default=False)
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option(metavar="LON,LAT", help="Longitude and latitude of x = y = 0.", show_default="the south-west corner"),
    ] = None,
) -> None:
    """Turn measured logs into a canonical CSV file, and say what is in them: rows, gaps, rates.

    Example: mecsim import-trace --preset ucc5g --kind link --out link.csv logs/B_2020.01.16_12.10.03.csv
    """
    if any(out.resolve() == file.resolve() for file in files):
        raise MecsimError(f"--out {out} is one of the files to read: choose another one")
    if uplink_share is not None and not 0.0 < uplink_share <= 1.0:
        raise MecsimError(f"--uplink-share must be above 0 and at most 1, got {uplink_share:g}")
    _refuse_foreign_options(kind, uplink_share=uplink_share, origin=origin)
    match kind:
        case TraceKind.LINK:
            _import_links(files, preset, out, hold_s, uplink_share)
        case TraceKind.MOBILITY:
            _import_movement(files, preset, out, _degrees(origin))
        case TraceKind.AVAILABILITY:
            _import_availability(files, preset, out)
        case TraceKind.DEVICE:
            _import_devices(files, preset, out)


def _refuse_foreign_options(kind: TraceKind, *, uplink_share: float | None, origin: str | None) -> None:
    if uplink_share is not None and kind is not TraceKind.LINK:
        raise MecsimError(f"--uplink-share is for --kind link alone, not for {kind.value}: leave it out")
    if origin is not None and kind is not TraceKind.MOBILITY:
        raise MecsimError(f"--origin is for --kind mobility alone, not for {kind.value}: leave it out")


def _degrees(origin: str | None) -> "Degrees | None":
    if origin is None:
        return None
    try:
        longitude, latitude = map(float, origin.split(","))
    except ValueError:
        longitude = latitude = float("nan")
    if not (-180.0 <= longitude <= 180.0 and -90.0 < latitude < 90.0):
        raise MecsimError(f"--origin must be a longitude and a latitude in degrees, such as -8.47,51.89; got {origin!r}")
    return longitude, latitude


def _import_links(files: Sequence[Path], preset: str, out: Path, hold_s: float, uplink_share: float | None) -> None:
    from mecsim.traces.canonical import link_rows, write_csv
    from mecsim.traces.link_series import OPTIONAL, read_link_series

    series = read_link_series(files, preset=preset, uplink_share=uplink_share, optional=OPTIONAL)
    n_rows = write_csv(out, "link", link_rows(series, hold_s=hold_s))
    _print(_LINK_HEAD, [_link_line(one, hold_s) for one in series[:MOST_LINES]], len(series), _CAPTION["link"])
    if uplink_share is not None:
        typer.echo(f"The uplink is {uplink_share:g} of the downlink: an assumption, not a measurement.")
    typer.echo(f"{n_rows} rows of {len(series)} devices are in {out}.")


def _link_line(series: "LinkSeries", hold_s: float) -> list[str]:
    from mecsim.traces.link import median_rates, to_track

    track = to_track(series, hold_s=hold_s)
    downlink_bps, uplink_bps = median_rates(track)
    counts = (series.n_rows, series.n_duplicates, series.n_missing)
    times = (f"{track.duration_s:g}", f"{track.held_s:g}", f"{100.0 * track.outage_s / track.duration_s:.1f}")
    return [series.ue_id, *map(str, counts), *times, f"{downlink_bps / 1e6:.3g}", f"{uplink_bps / 1e6:.3g}"]


def _import_movement(files: Sequence[Path], preset: str, out: Path, origin: "Degrees | None") -> None:
    from mecsim.traces.canonical import mobility_rows, write_csv
    from mecsim.traces.mobility import read_mobility_rows

    rows = read_mobility_rows(files, preset, origin)
    n_rows = write_csv(out, "mobility", mobility_rows(rows))
    devices = rows.ue_ids
    _print(
        _MOBILITY_HEAD, [_movement_line(rows, device) for device in devices[:MOST_LINES]], len(devices), _CAPTION["mobility"]
    )
    typer.echo(f"{rows.n_duplicates} duplicates and {rows.n_missing} rows without a position were left out.")
    if rows.origin is not None:
        typer.echo(f"x = y = 0 is at longitude {rows.origin[0]!r}, latitude {rows.origin[1]!r}.")
    size = f"{rows.x_m.max() - rows.x_m.min():.0f} m x {rows.y_m.max() - rows.y_m.min():.0f} m"
    typer.echo(f"{n_rows} rows of {len(devices)} devices, over {size}, are in {out}.")


def _movement_line(rows: "MobilityRows", device: str) -> list[str]:
    import numpy as np

    own = rows.ue_id == device
    path_m = np.hypot(np.diff(rows.x_m[own]), np.diff(rows.y_m[own])).sum()
    speeds = rows.speed_mps[own][~np.isnan(rows.speed_mps[own])]
    duration_s = rows.t_s[own][-1] - rows.t_s[own][0]
    return [
        device,
        str(own.sum()),
        f"{duration_s:g}",
        f"{path_m / 1e3:.2f}",
        f"{np.median(speeds):.1f}" if len(speeds) else "-",
    ]


def _import_availability(files: Sequence[Path], preset: str, out: Path) -> None:
    from mecsim.traces.availability import read_availability_rows
    from mecsim.traces.canonical import availability_rows, write_csv

    rows = read_availability_rows(files, preset)
    n_rows = write_csv(out, "availability", availability_rows(rows))
    typer.echo(f"{n_rows} intervals of {len(rows.ue_ids)} devices are in {out}.")


def _import_devices(files: Sequence[Path], preset: str, out: Path) -> None:
    from mecsim.traces.canonical import device_rows, write_csv
    from mecsim.traces.devices import read_device_rows

    n_rows = write_csv(out, "device", device_rows(read_device_rows(files, preset)))
    typer.echo(f"{n_rows} devices are in {out}.")


def _print(head: Sequence[str], lines: Sequence[Sequence[str]], n_devices: int, caption: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(head[0], no_wrap=True)
    for title in head[1:]:
        table.add_column(title, justify="right")
    for line in lines:
        table.add_row(*line)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)  # a file or a pipe has no width of its own
    if n_devices > len(lines):
        typer.echo(f"... and {n_devices - len(lines)} more devices")
    typer.echo(caption)
