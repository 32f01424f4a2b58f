"""From the section ``network.trace`` to measured rates of devices."""

from functools import cache

from mecsim.config.network_traces import LinkTraceFiles
from mecsim.traces.link import LinkTrace, read_link_trace


class MeasuredFleet:
    """Measured rates for a fleet: device i follows trace i, from the first one again where they run out."""

    def __init__(self, trace: LinkTrace, shift_s: float) -> None:
        self._trace, self._shift_s = trace, shift_s

    def rates(self, device: int, t: float) -> tuple[float, float]:
        """Return bits a second down and up."""
        return self._trace.rates(device % len(self._trace), t, ahead_s=self._ahead_s(device))

    def next_change(self, device: int, t: float) -> float:
        """Return when they change next."""
        return self._trace.next_change(device % len(self._trace), t, ahead_s=self._ahead_s(device))

    def _ahead_s(self, device: int) -> float:
        return self._shift_s * (device // len(self._trace))


def build_measured(config: LinkTraceFiles | None) -> MeasuredFleet | None:
    """Return measured rates, where the scenario has some; ``TraceError`` for files that cannot be read."""
    if config is None:
        return None
    return MeasuredFleet(_read_links(config), config.shift_s)


@cache
def _read_links(config: LinkTraceFiles) -> LinkTrace:
    return read_link_trace(
        config.files,
        preset=config.preset,
        loop=config.loop,
        hold_s=config.hold_s,
        scale=config.scale,
        uplink_share=config.uplink_share,
    )
