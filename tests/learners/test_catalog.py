import subprocess
import sys

import pytest

from learners import catalog
from learners.catalog import DATASETS, METHODS, MODELS, SCHEMES, SchemeEntry, load_plugins
from learners.numerics import cpu_capability, numerics_class
from mecsim.errors import MecsimError, UnknownNameError

HEAVY = ("torch", "sklearn", "transformers", "tokenizers", "huggingface_hub", "peft", "scipy", "pandas")


@pytest.mark.parametrize(
    "module",
    [
        "learners.catalog",
        "learners.worker",
        "learners.schemes.fedpeft",
        "learners.data.partition",
        "learners.models.spec",
        "learners.models.tokens",
    ],
)
def test_what_the_world_imports_loads_nothing_heavy(module):
    code = f"import sys, {module}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_entry_is_described_in_one_line():
    described = [*SCHEMES.values(), *METHODS.values(), *MODELS.values(), *DATASETS.values(), *catalog.ARCHITECTURES.values()]
    assert all(entry.description and "\n" not in entry.description for entry in described)


def test_naming_a_model_s_part_of_a_job_loads_nothing_heavy():
    call = (
        "model_spec('tiny-vit-s', task='image-classification', n_classes=3, method={'name': 'head'}, pretrained=True, seed=0)"
    )
    code = f"import sys; from learners.models.spec import model_spec; {call}; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_unknown_scheme_is_answered_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'fedpeft'"):
        SCHEMES["fedpef"]


def test_a_plugin_module_adds_its_scheme(tmp_path, monkeypatch):
    code = (
        "from dataclasses import replace\nfrom learners.catalog import SCHEMES\n"
        "SCHEMES.put('mine', replace(SCHEMES['fedpeft'], description='mine'))\n"
    )
    (tmp_path / "mecsim_plugin_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(SCHEMES, "_items", dict(SCHEMES))
    load_plugins(["mecsim_plugin_of_a_test"])
    load_plugins(["mecsim_plugin_of_a_test"])
    assert SCHEMES["mine"].description == "mine"


def test_an_entry_point_adds_its_scheme(monkeypatch):
    class Point:
        name = "theirs"

        def load(self) -> SchemeEntry:
            return SCHEMES["fedpeft"]

    monkeypatch.setattr(SCHEMES, "_items", dict(SCHEMES))
    monkeypatch.setattr(catalog, "entry_points", lambda group: [Point()] if group == "mecsim.schemes" else [])
    catalog._load_entry_points.cache_clear()
    load_plugins()
    assert "theirs" in SCHEMES


def test_a_plugin_that_is_not_there_says_the_way_out():
    with pytest.raises(MecsimError, match=r"cannot import 'no_such_module_at_all'.*PYTHONPATH"):
        load_plugins(["no_such_module_at_all"])


def test_numerics_class_names_versions_and_machine():
    assert numerics_class().startswith("torch-")
    assert numerics_class().endswith("_float32_threads-1")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx avx2", "avx2"),
        ("avx2 avx512f avx512bw avx512dq avx512vl", "avx512"),
        ("avx2 avx512f", "avx2"),
        ("fpu", "other"),
    ],
)
def test_cpu_capability_reads_the_flags(tmp_path, flags, expected):
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert cpu_capability(path) == expected


def test_cpu_capability_without_the_file_is_other(tmp_path):
    assert cpu_capability(tmp_path / "none") == "other"
