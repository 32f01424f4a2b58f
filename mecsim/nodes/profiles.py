"""The catalogue of machines that a scenario can name.

Peaks are FP32 without tensor cores (TF32 is not counted); where a figure is known as a range, its middle is taken. Every
``source`` says what is measured or published and what is a default to be calibrated; the efficiencies (the share of the
peak that the training of a small transformer reaches), the idle powers, ``launch_s``, ``dvfs_exponent``, batteries and free
storage are defaults throughout. A GB is 1e9 bytes, as in scenarios, though memory is sold by the binary gigabyte: the budgets
err on the low side by 7 %.
"""

from mecsim.nodes.device_profile import CyclesModel, DeviceProfile
from mecsim.nodes.machines.boards import BOARDS
from mecsim.nodes.machines.computers import COMPUTERS, SERVERS
from mecsim.nodes.machines.papers import PAPERS
from mecsim.nodes.machines.phones import PHONES
from mecsim.nodes.radio_power import RADIO_POWER, RadioPower

__all__ = ["PROFILES", "RADIO_POWER", "CyclesModel", "DeviceProfile", "RadioPower"]

PROFILES: dict[str, DeviceProfile] = {profile.name: profile for profile in (*BOARDS, *PHONES, *COMPUTERS, *PAPERS, *SERVERS)}
