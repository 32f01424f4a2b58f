"""A bounded memory of recent results, in front of a store."""

from collections import OrderedDict

from mecsim.jobs.job import Result

MEMORY_BYTES = 512 * 2**20


class Memory:
    """The least recently used results by the name of their job, up to a number of bytes."""

    def __init__(self, limit_bytes: int = MEMORY_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._size_bytes = 0
        self._results: OrderedDict[str, Result] = OrderedDict()

    def __contains__(self, name: str) -> bool:
        return name in self._results

    def get(self, name: str) -> Result | None:
        """Return the result of this name, or None when it is not kept (any more)."""
        if name not in self._results:
            return None
        self._results.move_to_end(name)
        return self._results[name]

    def put(self, name: str, result: Result) -> None:
        """Keep ``result``; the least recently used go when there are too many bytes."""
        if name in self._results:
            return
        self._results[name] = result
        self._size_bytes += result.size_bytes
        while self._size_bytes > self._limit_bytes:
            _, dropped = self._results.popitem(last=False)
            self._size_bytes -= dropped.size_bytes
