"""Named random streams: a draw depends on the seed and on the stream's own name only."""

import hashlib

import numpy as np


class Streams:
    """Hand out one generator a name, so that one more device, scheme or metric changes nobody else's draws."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def get(self, *name: str | int) -> np.random.Generator:
        """Return a fresh generator for ``name``; asked twice, it starts from the beginning again."""
        digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
        spawn_key = tuple(int(word) for word in np.frombuffer(digest, dtype="<u4"))
        return np.random.default_rng(np.random.SeedSequence(self._seed, spawn_key=spawn_key))
