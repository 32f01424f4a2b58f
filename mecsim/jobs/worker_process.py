"""The life of a worker process: it does one task after the other, until its parent tells it to end or is gone."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from mecsim.errors import JobError
from mecsim.jobs.ticket import Bench


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task gave: a value, or the exception that it raised and where in the worker that was."""

    value: Any = None
    error: BaseException | None = None
    trace: str = ""


def work(connection: Connection, made: bytes, memory_bytes: int) -> None:
    """Answer the tasks that come in: pickled pairs of a function (None for the bench) and its argument.

    ``made`` is a pickled ``MakeWorker``. The first answer comes without a task: the worker is ready, or cannot be made.
    """
    # Ctrl-C reaches every process of a terminal; the parent decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    bench = _answer(_make, made, memory_bytes)
    connection.send_bytes(_packed(Answer(error=bench.error, trace=bench.trace)))
    while bench.error is None:
        try:
            message = connection.recv_bytes()
        except EOFError:
            return
        connection.send_bytes(_packed(_answer(_done, message, bench.value)))


def _make(made: bytes, memory_bytes: int) -> Bench:
    execute, store = pickle.loads(made)()  # noqa: S301 (from the parent)
    return Bench(execute, store, memory_bytes)


def _done(message: bytes, bench: Bench) -> Any:
    function, argument = pickle.loads(message)  # noqa: S301
    return (function or bench)(argument)


def _answer(function: Callable[..., Any], *arguments: Any) -> Answer:
    try:
        return Answer(function(*arguments))
    except BaseException as error:  # whatever a job raises is for the caller of demand, SystemExit too
        return Answer(error=error, trace=traceback.format_exc())


def _packed(answer: Answer) -> bytes:
    if answer.error is not None:
        return pickle.dumps(Answer(error=_portable(answer.error), trace=answer.trace))
    try:
        return pickle.dumps(answer)
    except Exception as error:
        return pickle.dumps(Answer(error=_portable(error), trace=traceback.format_exc()))


def _portable(error: BaseException) -> BaseException:
    """Return ``error`` if it is the same at the other end of a pipe, else a JobError that says what it was."""
    try:
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        if type(copy) is type(error) and str(copy) == str(error):
            return error
    except Exception:  # noqa: S110 (an exception may fail to be pickled in any way; what it was is said below)
        pass
    return JobError(f"{type(error).__qualname__}: {error}")


def _end_with_parent() -> None:
    """End this process as soon as its parent is gone, however that happened, and in the middle of a job as well."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
