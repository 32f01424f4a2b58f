"""The sentence ratings behind VADER: snippets of four domains with a mean rating of sentiment by twenty people.

C. J. Hutto and E. Gilbert, ICWSM 2014. The files are no part of this project: ``mecsim fetch vader`` gets them.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, Field, model_validator

from learners.data.content import Content
from learners.data.options import TextParams
from learners.data.rows import Rows
from mecsim.errors import JobError
from mecsim.hashing import canonical_json

#: The files of each domain: lines of id, mean rating from -4 to 4, and text, with tabs between.
FILES = {
    "movies": "movieReviewSnippets_GroundTruth.txt",
    "tweets": "tweets_GroundTruth.txt",
    "nyt": "nytEditorialSnippets_GroundTruth.txt",
    "amazon": "amazonReviewSnippets_GroundTruth.txt",
}
_WITH_DOCUMENTS = ("nyt", "amazon")
N_CLASSES = 2


def _fetched(folder: Path) -> Path:
    missing = [name for name in FILES.values() if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"no {missing[0]} in {folder}: get the texts with 'mecsim fetch vader --into {folder}'")
    return folder


class VaderParams(TextParams):
    """Options of the sentence ratings."""

    folder: Annotated[Path, AfterValidator(_fetched)] = Field(
        description="folder that 'mecsim fetch vader' filled; from the scenario's folder"
    )
    domain: Literal["movies", "tweets", "nyt", "amazon", "all"] = Field(default="all", description="where the texts are from")
    groups: Literal["domain", "document"] = Field(
        default="domain", description="who owns a text, for the partition 'groups': the domain, or (nyt, amazon) the document"
    )
    neutral: float = Field(
        default=0.0, ge=0.0, lt=4.0, description="texts whose mean rating is this near to 0, or nearer, are left out"
    )
    max_samples: int | None = Field(
        default=None, ge=1, description="keep at most this many texts, drawn once and for all from every domain that is read"
    )

    @model_validator(mode="after")
    def _documents_exist(self) -> Self:
        if self.groups == "document" and self.domain not in _WITH_DOCUMENTS:
            raise ValueError(
                f"groups: {self.domain} has no documents, only {' and '.join(_WITH_DOCUMENTS)} have: write 'domain'"
            )
        return self

    @property
    def domains(self) -> tuple[str, ...]:
        """Return the domains that are read, in the order of ``FILES``."""
        return tuple(FILES) if self.domain == "all" else (self.domain,)


def digest(params: VaderParams) -> str:
    """Return the SHA-256 of the files that are read and of the options that choose from them."""
    files = [hashlib.sha256((params.folder / FILES[domain]).read_bytes()).hexdigest() for domain in params.domains]
    facts = [list(params.domains), files, params.groups, params.neutral, params.max_samples]
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()


def load(params: VaderParams) -> Content:
    """Return the texts, domain by domain in the order of the files; class 1 is a positive mean rating, class 0 a negative."""
    texts, labels, owners = list[str](), list[int](), list[str]()
    for domain in params.domains:
        for identity, rating, text in _read(params.folder / FILES[domain]):
            if abs(rating) <= params.neutral:
                continue
            texts.append(text)
            labels.append(int(rating > 0.0))
            owners.append(domain if params.groups == "domain" else f"{domain} {identity.partition('_')[0]}")
    if len(set(labels)) < N_CLASSES:
        raise JobError(f"neutral {params.neutral:g} leaves {len(texts)} texts, and not of both classes: lower it")
    kept = Rows("vader", texts, labels, owners).at_most(params.max_samples)
    if len(set(kept.labels)) < N_CLASSES:
        raise JobError(f"max_samples {params.max_samples} leaves no texts of one class: raise it")
    names = tuple(dict.fromkeys(kept.groups or ()))
    place = {name: index for index, name in enumerate(names)}
    groups = np.array([place[owner] for owner in kept.groups or ()], dtype=np.int64)
    return Content(labels=np.array(kept.labels, dtype=np.int64), texts=tuple(kept.values), groups=groups, group_names=names)


def _read(path: Path) -> list[tuple[str, float, str]]:
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            parts = line.rstrip("\n").split("\t", maxsplit=2)
            try:
                identity, rating, text = parts[0], float(parts[1]), parts[2]
            except (IndexError, ValueError) as error:
                raise JobError(
                    f"{path}, line {number}, is not id, rating and text: fetch the files again into an empty folder"
                ) from error
            rows.append((identity, rating, text.strip()))
    return rows
