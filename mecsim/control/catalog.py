"""The control policies that a scenario can name; modules from outside add theirs by ``POLICIES.put``."""

from mecsim.control.builtin import drawn, fixed, greedy, learned, memory, min_max_delay, novelty, searched
from mecsim.control.policy import POLICIES as POLICIES

POLICIES.put("fixed", fixed.ENTRY)
POLICIES.put("random", drawn.ENTRY)
POLICIES.put("memory", memory.ENTRY)
POLICIES.put("greedy-finish", greedy.FINISH)
POLICIES.put("greedy-energy", greedy.ENERGY)
POLICIES.put("greedy-novelty", novelty.ENTRY)
POLICIES.put("min-max-delay", min_max_delay.ENTRY)
POLICIES.put("oracle", searched.ENTRY)
POLICIES.put("learned", learned.ENTRY)
