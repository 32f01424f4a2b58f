"""The documentation names what is registered, with the code's keys and defaults, and its links lead somewhere. No torch."""

import json
import re
import types
from dataclasses import fields
from pathlib import Path
from typing import Union, get_args, get_origin

import pytest
from page_words import shown
from pydantic import BaseModel

from learners.catalog import ARCHITECTURES, DATASETS, METHODS, MODELS, SCHEMES
from learners.data.options import ClassificationParams
from learners.models.families import FAMILIES
from learners.models.presets import PRESETS
from learners.models.spec import WEIGHTS
from learners.models.tiny_lm import TINY_LMS
from learners.models.tiny_vit import TINY_VITS
from learners.schemes.context import SchemeEntry
from learners.schemes.method_params import MethodParams
from learners.schemes.privacy_section import PrivacySection
from learners.worker import KINDS
from mecsim.cli.names import build_catalog
from mecsim.config.loader import parse_scenario
from mecsim.config.objective import Objective
from mecsim.config.partition import Partition
from mecsim.control import surrogate_model
from mecsim.control.catalog import POLICIES
from mecsim.control.features import CHOICE_FEATURES, DEVICE_FEATURES, ROUND_FEATURES
from mecsim.control.observation import Observation
from mecsim.control.policy import Assignment
from mecsim.federation.contract import Scheme
from mecsim.jobs.synthetic import KINDS as SYNTHETIC_KINDS
from mecsim.knobs import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
#: What a plugin of another test may have added is not ours to describe.
OWN_SCHEMES = [name for name, entry in SCHEMES.items() if entry.create.__module__.startswith("learners.")]
OWN_POLICIES = [name for name, entry in POLICIES.items() if entry.create.__module__.startswith("mecsim.")]
OWN_KINDS = [name for name, kind in KINDS.items() if kind.__module__ == "learners.worker"]
OPTIONS_OF_METHODS = {key for method in METHODS.values() for key in method.options}
PARTITIONS = {model.model_fields["kind"].annotation.__args__[0]: model for model in get_args(get_args(Partition)[0])}


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def section(name, heading):
    """Return what stands under a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page(name), re.MULTILINE | re.DOTALL)
    assert found, f"docs/{name} has no section '## {heading}'"
    return found[1]


def rows(text):
    """Return the cells of the tables' rows whose first cell is one name in code marks, by that name."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        name = re.fullmatch(r"`([^`]+)`", cells[0])
        if line.startswith("|") and name:
            found[name[1]] = cells[1:]
    return found


def sections_in(annotation):
    """Return the models that an annotation holds, as a section or as one of several kinds of it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType):
        return [model for part in get_args(annotation) for model in sections_in(part)]
    return []


def leaves(model, prefix="", defaults=None):
    """Return every key of ``model`` with its default as shown; those of sections with dots."""
    found = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True) if defaults is None else getattr(defaults, name, field.default)
        inner = sections_in(field.annotation)
        if not inner or default is None:
            found[prefix + name] = shown(default)
            continue
        for part in inner:  # the kinds of a section share keys; the one that is the default comes last, and so counts
            if part is not type(default):
                found |= leaves(part, f"{prefix}{name}.")
        found |= leaves(type(default), f"{prefix}{name}.", default)
    return found


@pytest.mark.parametrize("name", OWN_SCHEMES)
def test_a_scheme_has_a_section_with_its_keys_and_defaults(name):
    wanted = leaves(SCHEMES[name].params)
    if issubclass(SCHEMES[name].params, MethodParams):  # the options of methods have a table of their own
        wanted = {key: default for key, default in wanted.items() if key not in OPTIONS_OF_METHODS}
    found = {key: cells[0] for key, cells in rows(section("schemes.md", name)).items()}
    assert {key: found.get(key) for key in wanted} == wanted
    assert found.keys() == wanted.keys(), "a key that the scheme does not have"


def test_the_options_of_methods_are_described_with_their_defaults():
    found = rows(section("schemes.md", "Keys that name the method"))
    wanted = {key: (f"`{name}`", shown(value)) for name, method in METHODS.items() for key, value in method.options.items()}
    assert {key: tuple(cells[:2]) for key, cells in found.items()} == wanted
    assert wanted.keys() <= MethodParams.model_fields.keys()


@pytest.mark.parametrize("name", OWN_SCHEMES)
def test_a_scheme_says_its_source_its_status_and_what_to_watch_for(name):
    text = section("schemes.md", name)
    status = re.search(r"\*\*Status\.\*\* ([^.]*)\.", text.replace("\n", " "))
    assert "**Source.**" in text
    assert ("reconstruction" in status[1]) == SCHEMES[name].reconstruction
    assert "Diagnostics:" in text
    assert "Watch for:" in text


@pytest.mark.parametrize("name", OWN_SCHEMES)
def test_a_scheme_is_in_the_tables_over_all_schemes(name):
    overview = page("schemes.md").split("\n## ")[0]
    row = next(line for line in overview.splitlines() if line.startswith(f"| [`{name}`](#{name})"))
    assert ("reconstruction" in row) == SCHEMES[name].reconstruction
    assert name in rows(section("schemes.md", "What travels, what is charged"))


def test_a_reconstruction_is_called_one_wherever_its_paper_is_introduced():
    for name in OWN_SCHEMES:
        if SCHEMES[name].reconstruction:
            assert re.search(rf"Fed\w+ \(reconstruction\)|{name} \(reconstruction\)", section("schemes.md", name)), name


def test_the_privacy_section_is_described_with_its_defaults():
    found = rows(section("schemes.md", "Differential privacy"))
    assert found.keys() == PrivacySection.model_fields.keys()
    needed = {"dp-sgd": {"noise_multiplier": 1.0}, "reference-noise": {}}
    for column, (kind, given) in enumerate(needed.items()):
        section_of_kind = PrivacySection.model_validate({"kind": kind, **given})
        for key, cells in found.items():
            value = getattr(section_of_kind, key)
            if key not in ("kind", "target_epsilon", *given):
                assert cells[column] == ("-" if value is None else shown(value)), (kind, key)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_a_section_with_its_options_and_defaults(name):
    found = {key: cells[0] for key, cells in rows(section("data.md", name)).items()}
    wanted = leaves(DATASETS[name].params)
    if "packages" in wanted:
        wanted["packages"] = "those that come with mecsim"
    assert found == wanted
    assert f"[`{name}`](#{name})" in page("data.md")
    assert name in section("data.md", "Licences, as far as known")
    assert f"`{name}`" in section("data.md", "What a digest pins")


def test_every_kind_of_partition_is_described_with_its_options():
    found = rows(section("data.md", "Partitions"))
    assert found.keys() == PARTITIONS.keys()
    for kind, model in PARTITIONS.items():
        for key, field in model.model_fields.items():
            if key not in ("kind", "clients"):
                default = "(required)" if field.is_required() else shown(field.default)
                assert f"`{key}` {default}" in found[kind][0], (kind, key)


@pytest.mark.parametrize("name", PRESETS)
def test_an_architecture_is_described_as_it_is_counted(name):
    cells, shape = rows(section("models.md", "Architectures"))[name], ARCHITECTURES[name]
    figures = [f"{value:,}" for value in (shape.hidden, shape.n_layers, shape.n_heads, shape.ffn)]
    assert cells[:5] == [f"`{shape.family}`", *figures]
    assert cells[6] == f"{shape.backbone_parameters:,}"
    assert cells[7], "an architecture without a source"


def test_every_model_family_and_method_is_described():
    models = section("models.md", "Models")
    assert all(f"`{name}`" in models for name in MODELS)
    families = rows(section("models.md", "Families"))
    assert {name: cells[0] for name, cells in families.items()} == {name: family.kind for name, family in FAMILIES.items()}
    methods = rows(section("models.md", "Methods by family"))
    assert methods.keys() == METHODS.keys()
    for name, method in METHODS.items():
        _, options, *kinds, sgd, adamw = methods[name]
        assert all(f"`{key}` {shown(value)}" in options for key, value in method.options.items()), name
        claimed = [kind for kind, cell in zip(("image", "encoder", "causal"), kinds, strict=True) if cell != "no"]
        assert tuple(claimed) == method.kinds
        assert (float(sgd), float(adamw)) == (method.learning_rates["sgd"], method.learning_rates["adamw"])


def test_every_kind_of_job_and_call_of_the_contract_is_described():
    text = page("architecture.md")
    assert rows(section("architecture.md", "The kinds of jobs")).keys() == set(OWN_KINDS)
    assert all(f"`{kind}`" in text for kind in SYNTHETIC_KINDS)
    calls = [name for name, value in vars(Scheme).items() if callable(value) and not name.startswith("_")]
    assert all(f"`{call}`" in text or f"**{call}**" in text for call in calls), calls


@pytest.mark.parametrize("name", OWN_POLICIES)
def test_a_policy_is_described_with_its_keys_and_defaults(name):
    text = section("control.md", "The policies")
    assert name in rows(text)
    keys = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", text, re.MULTILINE)
    found = {key: default for key, policies, default in keys if f"`{name}`" in policies}
    assert found == leaves(POLICIES[name].params)


def test_schemes_with_a_knob_are_those_of_the_table():
    no_choices = next(each.default for each in fields(SchemeEntry) if each.name == "choices_of")
    with_knob = {name for name in OWN_SCHEMES if SCHEMES[name].choices_of is not no_choices}
    assert set(re.findall(r"^\| \[`([\w-]+)`\]", section("control.md", "The knobs of the schemes"), re.MULTILINE)) == with_knob


def test_what_control_sees_and_decides_is_described():
    assert list(rows(section("control.md", "The observation"))) == [each.name for each in fields(Observation)]
    decided = {each.name for each in (*fields(Assignment), *fields(Settings))} - {"settings"}
    assert rows(section("control.md", "What is decided")).keys() == decided
    told = {key: cells[0] for key, cells in rows(section("control.md", "The objective")).items()}
    assert told == leaves(Objective)
    features = re.findall(r"`(\w+)`", "".join(re.findall(r"^\| of .*$", section("control.md", "The agent"), re.MULTILINE)))
    assert tuple(features) == (*DEVICE_FEATURES, *CHOICE_FEATURES, *ROUND_FEATURES)
    n_of_device, n_of_choice, n_of_round = map(len, (DEVICE_FEATURES, CHOICE_FEATURES, ROUND_FEATURES))
    assert f"(n, {n_of_device} + {n_of_choice} c) and `round` ({n_of_round})" in section("control.md", "The environment")


def test_the_formula_of_the_surrogate_is_the_one_that_is_computed():
    (shown_formula,) = re.findall(r"^```\n(log .*?)^```", section("control.md", "The surrogate of quality"), re.M | re.S)
    documented = {line.strip() for line in (surrogate_model.__doc__ or "").splitlines()}
    lines = [line.strip() for line in shown_formula.splitlines()]
    assert len(lines) == 5
    assert set(lines) <= documented


def test_figures_of_the_embedded_language_models_are_those_of_their_cards():
    text = section("models.md", "The embedded language models")
    for name in TINY_LMS:
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        card = json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8"))
        own, federated = card["held_out_bits"], card["federated_bits"]
        figures = [own["128"], own["256"], federated["128"], federated["256"]]
        cells = [name, f"{card['parameters']:,}", *map(str, figures), f"`{card['command']}`"]
        assert row == f"| {' | '.join(cells)} |"


def test_figures_of_the_embedded_vision_models_are_those_of_their_cards():
    cards = [json.loads((WEIGHTS / f"{name}.json").read_text(encoding="utf-8")) for name in TINY_VITS]
    text = section("models.md", "The embedded models")
    assert "| parameters | " + " | ".join(f"{card['parameters']:,}" for card in cards) + " |" in text
    assert " | ".join(f"{card['held_out_accuracy']:.1%}".replace("%", " %") for card in cards) in text
    assert " | ".join(f"`{card['command']}`" for card in cards) in text


def test_the_scenario_of_the_readme_is_valid():
    written = re.search(r"```yaml\n(schema.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert parse_scenario(written[1], "README.md", build_catalog()).name == "quickstart"


def anchors(text):
    """Return the anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        name, _, anchor = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_page_names_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|mnt|usr)/|localhost|index-url", text)


def test_decisions_are_numbered_through():
    numbers = [int(path.name[:4]) for path in sorted((DOCS / "adr").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))
    for path in (DOCS / "adr").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert all(f"**{part}.**" in text for part in ("Decision", "Why", "Price"))


def test_datasets_with_classes_share_one_option():
    """The tables repeat it, as a reader looks at one section."""
    for name, entry in DATASETS.items():
        assert issubclass(entry.params, ClassificationParams) == ("train_per_class" in rows(section("data.md", name)))
