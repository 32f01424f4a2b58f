"""Text as a model reads it: bytes for the embedded language models, else the tokenizer beside the weights. No torch."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from learners.models.architectures import Architecture, architecture_of
from learners.models.packaged import converted
from learners.models.sources import architecture_of_model, weights_digest, weights_path
from learners.models.tiny_lm import BOS, TINY_LMS
from mecsim.errors import JobError

_VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model")

#: Symbols and their mask, int64, (texts, symbols): short rows are filled at their end, and the mask is 0 there.
Tokens = tuple[NDArray[np.int64], NDArray[np.int64]]


class Tokenizer(Protocol):
    """Turns text into the symbols of one model; ``begin`` is the symbol from which a first one is predicted."""

    begin: int

    def encode(self, texts: Sequence[str], max_length: int) -> Tokens:
        """Return ``texts`` as classifiers read them, with the model's special symbols, cut to ``max_length``."""
        ...

    def encode_bytes(self, windows: NDArray[np.uint8]) -> Tokens:
        """Return windows of text (n, bytes) as language models read them, without special symbols; all of it counts."""
        ...


class ByteTokenizer:
    """A symbol is a byte of UTF-8; one more begins a text, and fills short ones where the mask is 0."""

    begin = BOS

    def encode(self, texts: Sequence[str], max_length: int) -> Tokens:
        """Return the begin symbol and the first bytes of each text."""
        return _filled([[BOS, *text.encode()[: max_length - 1]] for text in texts], BOS)

    def encode_bytes(self, windows: NDArray[np.uint8]) -> Tokens:
        """Return the bytes themselves."""
        return windows.astype(np.int64), np.ones(windows.shape, np.int64)


class FolderTokenizer:
    """The tokenizer in a model's folder."""

    def __init__(self, folder: Path, architecture: Architecture) -> None:
        from transformers import AutoTokenizer

        if not any((folder / name).is_file() for name in _VOCABULARIES):  # transformers would make an empty one
            raise JobError("the model's folder has no vocabulary: put its tokenizer.json there, as save_pretrained writes it")
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise JobError(f"the model's folder has no tokenizer that transformers can read alone: {error}") from error
        if len(self._tokenizer) > (architecture.vocab or 0):
            raise JobError(
                f"the folder's tokenizer knows {len(self._tokenizer)} symbols, its network {architecture.vocab}: they belong "
                "to different models"
            )
        self._most = architecture.max_length
        self._fill = architecture.pad_token or 0
        known = (self._tokenizer.bos_token_id, self._tokenizer.cls_token_id, self._tokenizer.eos_token_id)
        self.begin = next((int(symbol) for symbol in known if symbol is not None), self._fill)

    def encode(self, texts: Sequence[str], max_length: int) -> Tokens:
        """Return the texts with the tokenizer's special symbols."""
        most = min(max_length, self._most or max_length)
        rows = self._tokenizer(list(texts), truncation=True, max_length=most)["input_ids"]
        # A tokenizer without special symbols leaves an empty text empty; a model needs something to read.
        return _filled([row or [self.begin] for row in rows], self._fill)

    def encode_bytes(self, windows: NDArray[np.uint8]) -> Tokens:
        """Return the windows' text, in which a character that a window's edge cuts is a replacement mark."""
        texts = [bytes(window).decode("utf-8", errors="replace") for window in windows]
        return _filled(self._tokenizer(texts, add_special_tokens=False)["input_ids"], self._fill)


def tokenizer_of(spec: Mapping[str, Any]) -> Tokenizer:
    """Return the tokenizer of a model's specification, of which the name counts (see ``model_spec``)."""
    name = spec["name"]
    if name in TINY_LMS:
        return ByteTokenizer()
    shape = architecture_of_model(name)
    if shape.kind == "image":
        raise JobError(f"model {name!r} reads images, not text: choose a dataset of images, or a language model")
    path, digest = weights_path(name), weights_digest(name)
    return _of_folder(converted(name, path, digest, shape) if path.suffix == ".gguf" else path, digest)


@lru_cache(maxsize=4)
def _of_folder(folder: Path, _digest: str) -> FolderTokenizer:
    return FolderTokenizer(folder, architecture_of(str(folder)))


def _filled(rows: Sequence[Sequence[int]], fill: int) -> Tokens:
    """Return rows of any lengths as an array as wide as the longest."""
    width = max((len(row) for row in rows), default=0)
    tokens, mask = np.full((len(rows), width), fill, np.int64), np.zeros((len(rows), width), np.int64)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return tokens, mask
