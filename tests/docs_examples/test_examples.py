"""The complete examples of the documentation run as their pages say, and do what they claim."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

import mecsim
from learners.catalog import DATASETS
from mecsim.api import StudyRun
from mecsim.cli.names import build_catalog
from mecsim.config.loader import parse_study

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
QUICKSTART = yaml.safe_load((ROOT / "scenarios" / "quickstart.yaml").read_text(encoding="utf-8"))


def blocks(page):
    """Return the YAML that a page shows, in order."""
    found = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [yaml.safe_load(text) for text in found]


def scenario_with(keys):
    """Return the quickstart with the sections and keys that a page shows, as text."""
    whole = {**QUICKSTART, **keys, "learning": {**QUICKSTART["learning"], **keys.get("learning", {})}}
    return yaml.safe_dump(whole, sort_keys=False)


def command(folder, *words):
    """Run mecsim in ``folder`` as a user would, with the examples on the path."""
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    called = [sys.executable, "-m", "mecsim.cli.app", *words]
    done = subprocess.run(called, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def example(monkeypatch):
    """Return a function that imports an example; what it registers is forgotten after the test."""
    monkeypatch.setattr(DATASETS, "_items", dict(DATASETS.items()))

    def imported(name):
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return imported


@pytest.mark.learning
def test_the_dataset_and_the_model_train(tmp_path):
    """One study for both: stripes, learned by the model of the example and by an embedded one."""
    import pyarrow.parquet as pq

    written = subprocess.run(
        [sys.executable, EXAMPLES / "write_model.py", "my-vit"], cwd=tmp_path, capture_output=True, check=False
    )
    assert written.returncode == 0, written.stderr
    (data,) = blocks("extend/dataset.md")
    (model,) = (block for block in blocks("extend/model.md") if "plugins" not in block)
    learning = {**data["learning"], **model["learning"], "account_as": None}
    schemes = [{"name": "fedpeft", "method": "full", "label": "mine"}]
    schemes += [{"name": "fedpeft", "method": "lora", "model": "tiny-vit-l", "label": "embedded"}]
    few = {"protocol": {"kind": "sync", "rounds": 1, "clients_per_round": 2}}
    (tmp_path / "mine.yaml").write_text(scenario_with({**data, **few, "learning": learning, "schemes": schemes}))
    command(tmp_path, "run", "mine.yaml", "--out", "run", "--quiet")
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["jobs_run"] > 0
    rows = {row["label"]: row for row in pq.read_table(tmp_path / "run" / "summary.parquet").to_pylist()}
    assert rows["embedded"]["final_accuracy"] > 0.5, "of four directions: chance is a quarter"
    # Width 48, 3 blocks, 16 patches of 49 values and the class token, 4 classes: counted by hand.
    block = 4 * (48 * 48 + 48) + (48 * 192 + 192) + (192 * 48 + 48) + 4 * 48
    assert rows["mine"]["trainable_parameters"] == 3 * block + (49 * 48 + 48) + 48 + 17 * 48 + 2 * 48 + (48 * 4 + 4)


def test_the_dataset_is_what_its_digest_pins(example):
    stripes = example("stripes")
    params = stripes.StripesParams(directions=3, per_camera=20)
    content = stripes.load(params)
    assert content.images.shape == (60, 1, 28, 28)
    assert (content.images.min(), content.images.max()) == (0.0, 1.0)
    assert set(content.labels.tolist()) == {0, 1, 2}
    assert np.bincount(content.groups).tolist() == [20, 20, 20]
    for other in ({"directions": 4}, {"per_camera": 21}, {"drawing_seed": 1}):
        assert stripes.digest(params.model_copy(update=other)) != stripes.digest(params)
    assert stripes.digest(params.model_copy(update={"train_per_class": 5})) == stripes.digest(params)
    # Direction 0 varies along the rows of the image, and not down its columns.
    clean = content.images[(content.labels == 0) & (content.groups == 0)][:, 0]
    assert np.abs(np.diff(clean, axis=2)).mean() > 3 * np.abs(np.diff(clean, axis=1)).mean()


def test_the_architecture_has_the_published_size(tmp_path):
    (keys,) = (block for block in blocks("extend/model.md") if "plugins" in block)
    (tmp_path / "mine.yaml").write_text(scenario_with({**keys, "schemes": [{"name": "fedpt", "small": "tiny-vit-s"}]}))
    assert "vit-huge-14" in command(tmp_path, "validate", "mine.yaml")
    script = "import vit_huge; from learners.catalog import ARCHITECTURES as a; print(a['vit-huge-14'].backbone_parameters)"
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert int(told.stdout) / 1e6 == pytest.approx(632, rel=0.005)


def test_the_scenarios_of_getting_started_are_valid():
    first, second = blocks("getting_started.md")
    counts = [len(parse_study(scenario_with(keys), "mine.yaml", build_catalog()).variants) for keys in (first, second)]
    assert counts == [4, 3 * 4 * 3 * 2 * 2]


def test_the_python_of_getting_started_speaks_of_what_there_is():
    text = (ROOT / "docs" / "getting_started.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    compile(code, "getting_started.md", "exec")
    assert {name for name in re.findall(r"mecsim\.(\w+)\(", code) if not callable(getattr(mecsim, name, None))} == set()
    assert {name for name in re.findall(r"\brun\.(\w+)", code) if name not in ("mecsim", *dir(StudyRun))} == set()
