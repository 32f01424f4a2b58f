"""One registry type for everything that a scenario can name."""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from mecsim.errors import UnknownNameError

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """Map names to things of one kind; a name is taken once, and an unknown one is answered with suggestions."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[str, T] = {}

    def add(self, name: str) -> Callable[[T], T]:
        """Return a decorator that registers what it decorates under ``name``."""

        def register(item: T) -> T:
            self.put(name, item)
            return item

        return register

    def put(self, name: str, item: T) -> None:
        """Register ``item`` under ``name``, in lower case letters, digits, '-', '_' and '.'."""
        if name != name.lower() or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise ValueError(f"a {self.kind} name has lower case letters, digits, '-', '_' and '.', got {name!r}")
        if name in self._items:
            raise ValueError(f"there is a {self.kind} called {name!r} already")
        self._items[name] = item

    def __getitem__(self, name: str) -> T:
        if name not in self._items:
            raise UnknownNameError(self.kind, name, self._items)
        return self._items[name]

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)
