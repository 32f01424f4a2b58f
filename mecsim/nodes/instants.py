"""Order within an instant: what ends at it comes before what breaks it off."""

import math

import simpy

# SimPy's own events have the priorities 0 (urgent) and 1.
_AFTER_ALL_ELSE = simpy.events.EventPriority(2)


def after_all_else(env: simpy.Environment, delay_s: float) -> simpy.Event:
    """Return an event at ``now + delay_s`` that comes after everything else at that instant; infinity: it never comes.

    So whatever ends exactly at a deadline, or when something breaks, is in time. A delay below 0 counts as 0.
    """
    event = env.event()
    if delay_s < math.inf:
        ring_after_all_else(event, max(0.0, delay_s))
    return event


def ring_after_all_else(event: simpy.Event, delay_s: float = 0.0) -> None:
    """Let ``event`` happen as the last thing of the instant ``now + delay_s``."""
    event._ok, event._value = True, None  # SimPy's succeed() has no priority
    event.env.schedule(event, priority=_AFTER_ALL_ELSE, delay=delay_s)
