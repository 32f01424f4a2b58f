"""From a YAML file to a scenario, or to all problems at once."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import ValidationError

from mecsim.config.catalog import Catalog
from mecsim.config.checks import run_checks
from mecsim.config.overrides import apply_overrides
from mecsim.config.problems import to_problems
from mecsim.config.salvage import salvage
from mecsim.config.scenario import PartialScenario, Scenario
from mecsim.config.source import FILE, Document, read_document
from mecsim.config.variants import Variant, set_in_vain, swept_twice, variants_of
from mecsim.errors import Problem, ScenarioError, suggestion


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid scenario, and its variants: one without a name where there is no sweep."""

    scenario: Scenario
    variants: tuple[Variant, ...]


def load_scenario(path: Path, catalog: Catalog, overrides: Sequence[str] = ()) -> Scenario:
    """Read the scenario in the file ``path``; raise ``ScenarioError`` with every problem that it or a variant has."""
    return load_study(path, catalog, overrides).scenario


def parse_scenario(
    text: str, source: str, catalog: Catalog, overrides: Sequence[str] = (), folder: Path | None = None
) -> Scenario:
    """Read a scenario from its text; ``source`` names it in errors, and ``folder`` is where its paths start."""
    return parse_study(text, source, catalog, overrides, folder).scenario


def load_study(path: Path, catalog: Catalog, overrides: Sequence[str] = ()) -> Loaded:
    """Read the scenario in the file ``path`` and its variants, as ``load_scenario`` does."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ScenarioError(str(path), [_unreadable(path, error)]) from error
    return parse_study(text, str(path), catalog, overrides, folder=path.parent.resolve())


def parse_study(text: str, source: str, catalog: Catalog, overrides: Sequence[str] = (), folder: Path | None = None) -> Loaded:
    """Read a scenario and its variants from its text, as ``parse_scenario`` does."""
    document = read_document(text)
    if not isinstance(document.data, dict):
        raise ScenarioError(source, document.problems or [_not_a_scenario(document)])
    document = apply_overrides(document, overrides)

    def read(variant: Document) -> tuple[Scenario | None, list[Problem]]:
        return _read(variant, catalog, folder)

    scenario, problems = read(document)
    problems = [*document.problems, *problems]
    variants: list[Variant] = []
    if scenario is not None and not problems:
        problems = [document.placed(problem) for problem in swept_twice(scenario.sweep)]
        problems += set_in_vain(scenario.sweep, document.outside)
        if not problems:
            variants, problems = variants_of(scenario, document, read)
    if problems or scenario is None:
        raise ScenarioError(source, sorted(problems, key=lambda problem: problem.line or 0))
    return Loaded(scenario, tuple(variants))


def _read(document: Document, catalog: Catalog, folder: Path | None) -> tuple[Scenario | None, list[Problem]]:
    """Return the scenario of a document, if it is one, and all that is wrong with it."""
    around = catalog.surroundings(folder)
    problems, scenario = list[Problem](), None
    try:
        scenario = Scenario.model_validate_json(json.dumps(document.data), context=around)
        partial = PartialScenario.whole(scenario)
    except ValidationError as error:
        problems += to_problems(error, Scenario, document, around)
        partial = salvage(document.data, around)
    return scenario, [*problems, *_checked(partial, catalog, document)]


def resolved_yaml(scenario: Scenario) -> str:
    """Return the scenario with all defaults spelled out; read again, it is an equal scenario."""
    data = scenario.model_dump(mode="json", by_alias=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def read_plugins(path: Path, overrides: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the modules that a scenario wants imported before it is validated; () where that cannot be read."""
    try:
        document = apply_overrides(read_document(path.read_text(encoding="utf-8")), overrides)
    except (OSError, UnicodeError):
        return ()
    plugins = document.data.get("plugins") if isinstance(document.data, dict) else None
    return tuple(name for name in plugins if isinstance(name, str)) if isinstance(plugins, list) else ()


def _checked(partial: PartialScenario, catalog: Catalog, document: Document) -> Iterable[Problem]:
    yield from map(document.placed, run_checks(partial))
    for check in catalog.extra_checks:
        yield from map(document.placed, check(partial))


def _unreadable(path: Path, error: OSError | UnicodeError) -> Problem:
    if isinstance(error, UnicodeError):
        return Problem(FILE, "this file is not text in UTF-8", "Save it as UTF-8.", 1)
    if isinstance(error, FileNotFoundError):
        names = [other.name for other in path.parent.glob("*.y*ml")]
        remedy = suggestion(path.name, names) if names else f"There are no scenarios in {path.parent}."
        return Problem(FILE, "no such file", remedy)
    return Problem(FILE, f"cannot read it: {error.strerror}", "Give the path of a scenario file that you may read.")


def _not_a_scenario(document: Document) -> Problem:
    what = "the file is empty" if document.data is None else "a scenario is a section of keys"
    return Problem(FILE, what, "Begin with 'schema: 1' and 'name: ...'; every key stands on a line of its own.", 1)
