"""Ctrl-C that waits for the end of a block."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from types import FrameType


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Hold Ctrl-C back until the block is left, and keep it for good from the processes that are started in it.

    A process that is interrupted while Python starts in it would print a traceback, and one that is interrupted between its
    start and its being noted down by the parent would be forgotten.
    """
    # It unblocks SIGINT when it starts, so it has to be there before.
    resource_tracker.ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    if threading.current_thread() is not threading.main_thread():
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return
    # A mask is a thread's own: the signal may come in through another thread, and its handler would still run in this one.
    pressed: list[FrameType | None] = []
    handler = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(frame))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGINT, handler)
        if pressed and callable(handler):
            handler(signal.SIGINT, pressed[0])
