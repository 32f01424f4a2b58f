"""The device of the papers on mobile edge computing: cycles a sample, and a power that goes with the clock cubed."""

from dataclasses import replace

from mecsim.nodes.device_profile import CyclesModel
from mecsim.nodes.machines.phones import PHONES

_PHONE = next(phone for phone in PHONES if phone.name == "phone-mid")

PAPERS = (
    replace(
        _PHONE,
        name="mec-device",
        active_w=_PHONE.idle_w + 0.8,
        cycles=CyclesModel(kappa=1e-28, cycles_per_sample=2e4, frequency_hz=2e9),
        source="default of papers on federated learning over wireless networks (Yang et al., arXiv 1911.02417: kappa "
        "1e-28, 1e4 to 3e4 cycles a sample, at most 2 GHz, hence 0.8 W), not checked there; made for tiny models: give C for "
        "your own in a profile file; memory, battery and radio of phone-mid",
    ),
)
