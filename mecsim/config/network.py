"""The section ``network``: stations, carrier, propagation, sharing, transport and backhaul."""

from typing import Annotated, Literal

from pydantic import Field

from mecsim.config.base import Config, NonNegative, Positive
from mecsim.config.network_traces import LinkTraceFiles
from mecsim.config.radio import (
    Adaptation,
    BackgroundTraffic,
    EqualSharing,
    ErgodicFading,
    Fading,
    Handover,
    Interference,
    LoadInterference,
    PathLoss,
    PowerControl,
    Sharing,
    TruncatedShannon,
)


class StationRadio(Config):
    """The radio of a base station."""

    height_m: Positive = Field(description="Height of the antenna above ground, in metres.")
    tx_power_dbm: float = Field(ge=-30.0, le=80.0, description="Transmit power of a cell, in dBm, from -30 to 80.")
    antenna_gain_dbi: float = Field(default=5.0, ge=-20.0, le=60.0, description="Gain of the antenna, in dBi, from -20 to 60.")
    noise_figure_db: NonNegative = Field(default=5.0, description="Noise figure of the receiver, in dB.")
    sectors: Literal[1, 3] = Field(default=1, description="Cells of the station: 1 with an antenna all around, or 3 sectors.")
    azimuth_deg: float = Field(default=30.0, description="Direction of the first of three sectors, in degrees from the x axis.")
    downtilt_deg: float = Field(default=10.0, ge=-90.0, le=90.0, description="How far sector antennas look below the horizon.")
    beamforming_db: NonNegative = Field(
        default=0.0, description="Gain towards the served device, in dB, on top of the antenna's; interferers see none of it."
    )
    power_class: Literal["macro", "rrh", "micro", "pico", "femto"] = Field(
        default="micro", description="Power model of the station (EARTH): macro, rrh (remote radio head), micro, pico, femto."
    )


class Station(StationRadio):
    """A base station and its radio."""

    name: str = Field(min_length=1, description="Name of the station, unique in the scenario.")
    position_m: tuple[float, float] = Field(description="Place [x, y] in metres, inside the area of the fleet.")


class HexagonalLayout(Config):
    """Stations on a hexagonal grid; the area is the grid's own."""

    kind: Literal["hexagonal"] = Field(description="The layout: rows of a hexagonal grid.")
    rows: int = Field(ge=1, le=200, description="Rows of stations; an even number where the area wraps around.")
    columns: int = Field(ge=1, le=200, description="Stations in a row.")
    inter_site_m: Positive = Field(description="Distance of neighbouring stations, in metres.")
    wrap_around: bool = Field(
        default=False, description="Whether the area continues at its other edge, so that no cell is at one."
    )
    station: StationRadio = Field(description="The radio of every station.")


class GridLayout(Config):
    """Stations on a square grid; the area is the grid's own."""

    kind: Literal["grid"] = Field(description="The layout: a square grid.")
    rows: int = Field(ge=1, le=200, description="Rows of stations.")
    columns: int = Field(ge=1, le=200, description="Stations in a row.")
    spacing_m: Positive = Field(description="Distance of neighbouring stations, in metres.")
    wrap_around: bool = Field(
        default=False, description="Whether the area continues at its other edge, so that no cell is at one."
    )
    station: StationRadio = Field(description="The radio of every station.")


Layout = Annotated[HexagonalLayout | GridLayout, Field(discriminator="kind")]


class Carrier(Config):
    """The radio carrier, the same in every cell."""

    frequency_ghz: float = Field(
        ge=0.5, le=100.0, description="Carrier frequency in GHz; the path loss models hold from 0.5 to 100."
    )
    bandwidth_mhz: Positive = Field(description="Width of the carrier, in MHz.")
    downlink_share: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="Share of the time that the downlink has; the uplink has the rest."
    )
    scs_khz: Literal[15, 30, 60, 120] | None = Field(
        default=None,
        description="Subcarrier spacing of an NR carrier in kHz: only whole resource blocks carry data, less control overhead; "
        "null: the whole width does.",
    )
    tdd: str | None = Field(
        default=None,
        pattern=r"^(fdd|[DSU]{2,20})$",
        description="Slots of a TDD period, such as DDDSU, in place of downlink_share; fdd: a carrier each way.",
    )


class Transport(Config):
    """What lies between a payload and the radio: headers, round trips, imperfect use."""

    radio_overhead: float = Field(default=1.05, ge=1.0, description="Bytes on the radio for each byte of payload.")
    backhaul_overhead: float = Field(default=1.07, ge=1.0, description="Bytes on the backhaul for each byte of payload.")
    ran_rtt_ms: NonNegative = Field(default=10.0, description="Round-trip time of the radio access network, in milliseconds.")
    setup_rtts: NonNegative = Field(default=2.0, description="Round trips before the first byte of a transfer.")
    efficiency: float = Field(default=0.9, gt=0.0, le=1.0, description="Share of the link's rate that a transfer attains.")
    slow_start: bool = Field(
        default=False, description="Whether a transfer begins with TCP's slow start (10 segments a round trip)."
    )
    loss_rate: float | None = Field(
        default=None, gt=0.0, lt=1.0, description="Packet loss that caps the rate of a transfer (Mathis et al.); null: no cap."
    )
    give_up_s: Positive = Field(default=60.0, description="Seconds without any rate after which a transfer is lost.")


class Backhaul(Config):
    """The wire between each station and the server."""

    rate_gbps: Positive = Field(default=10.0, description="Rate in Gbit/s, shared by all stations.")
    station_rate_gbps: float | None = Field(
        default=None, gt=0.0, description="Rate of each station's own wire in Gbit/s; null: the shared one is the only limit."
    )
    delay_ms: NonNegative = Field(default=2.0, description="One-way delay, in milliseconds.")


class DeviceRadio(Config):
    """The radio of every device."""

    tx_power_dbm: float = Field(default=23.0, ge=-40.0, le=40.0, description="Largest transmit power, in dBm, from -40 to 40.")
    height_m: Positive = Field(default=1.5, description="Height of the antenna above ground, in metres.")
    antenna_gain_dbi: float = Field(default=0.0, ge=-20.0, le=40.0, description="Gain of the antenna, in dBi, from -20 to 40.")
    noise_figure_db: NonNegative = Field(default=7.0, description="Noise figure of the receiver, in dB.")
    power_control: PowerControl | None = Field(
        default=None, description="Open-loop power control of the uplink; null: always the largest power."
    )


class Network(Config):
    """Stations, carrier, propagation, sharing, transport and backhaul."""

    stations: tuple[Station, ...] = Field(default=(), description="The base stations, one by one; or give a layout.")
    layout: Layout | None = Field(default=None, description="The base stations by a rule; or list them under stations.")
    carrier: Carrier = Field(description="The radio carrier, the same in every cell.")
    path_loss: PathLoss = Field(description="The propagation environment.")
    fading: Fading = Field(default=ErgodicFading(kind="ergodic"), description="Small-scale fading.")
    interference: Interference = Field(
        default=LoadInterference(kind="load"), description="What the cells of one carrier do to each other."
    )
    link_adaptation: Adaptation = Field(
        default=TruncatedShannon(kind="truncated-shannon"), description="From the signal-to-noise ratio to bits a second."
    )
    sharing: Sharing = Field(default=EqualSharing(kind="equal"), description="How the transfers of a cell share it.")
    background: BackgroundTraffic | None = Field(
        default=None, description="Other people's traffic, which shares the cells; null: none."
    )
    handover: Handover = Field(default=Handover(), description="When a device changes its cell, and what that costs.")
    transport: Transport = Field(default=Transport(), description="Overheads, round trips and efficiency of a transfer.")
    backhaul: Backhaul = Field(default=Backhaul(), description="The wire between each station and the server.")
    devices: DeviceRadio = Field(default=DeviceRadio(), description="The radio of every device.")
    trace: LinkTraceFiles | None = Field(
        default=None, description="Measured rates in place of the radio model's; null: the model's."
    )
