"""Ctrl-C is not lost where Python drops exceptions."""

import os
import signal

import pytest

from mecsim.cli.interrupt import Interrupt


def press():
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000):  # the handler runs between two steps of the interpreter
        pass


class PressedInDestructor:
    def __del__(self):
        press()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interrupt_that_python_drops_is_raised_at_the_next_check():
    with Interrupt() as interrupt:
        interrupt.check()
        thing = PressedInDestructor()
        del thing
        with pytest.raises(KeyboardInterrupt):
            interrupt.check()


def test_an_interrupt_is_raised_at_once_and_the_handler_of_before_comes_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), Interrupt():
        press()
    assert signal.getsignal(signal.SIGINT) is before
