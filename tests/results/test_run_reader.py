"""A run folder is opened, or the message says what to do."""

import dataclasses
import json
import math

import pytest

from mecsim.errors import RunFolderError, UnknownNameError
from mecsim.results.reader import open_run


def test_what_was_written_is_read(write, tmp_path):
    run = open_run(write(tmp_path / "a"))
    assert run.manifest["name"] == "a"
    assert run.scenario_yaml == "name: a\n"
    assert run.frame("energy")["energy_j"].tolist() == [1.5, 0.25]
    row = run.frame("summary").iloc[0]
    assert (row["label"], row["turns"]) == ("fedpeft-bias", 3)
    assert math.isnan(row["time_to_target_s"])


def test_an_empty_table_keeps_its_columns(write, tmp_path):
    frame = open_run(write(tmp_path / "a")).frame("rounds")
    assert frame.empty
    assert list(frame.columns[:6]) == ["scheme", "label", "variant", "seed", "round", "opened_at_s"]


def test_a_run_is_frozen(write, tmp_path):
    run = open_run(write(tmp_path / "a"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        run.scenario_yaml = ""
    with pytest.raises(TypeError):
        run.manifest["name"] = "b"


def test_an_unknown_table_has_a_suggestion(write, tmp_path):
    with pytest.raises(UnknownNameError, match=r"no table called 'round'\. Did you mean 'rounds'\?"):
        open_run(write(tmp_path / "a")).frame("round")


def test_a_missing_folder(tmp_path):
    with pytest.raises(RunFolderError, match=r"there is no run folder .*nowhere\. `mecsim run"):
        open_run(tmp_path / "nowhere")


def other_schema(folder):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema_version": 99}))


@pytest.mark.parametrize(
    ("harm", "match"),
    [
        (lambda folder: (folder / "manifest.json").unlink(), r"has no manifest\.json.*Run the study again"),
        (lambda folder: (folder / "manifest.json").write_text("{"), r"manifest\.json is not valid JSON.*Run the study again"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), r"has schema version None"),
        (lambda folder: (folder / "rounds.parquet").unlink(), r"incomplete: rounds\.parquet missing\. Run the study again"),
        (lambda folder: (folder / "scenario.yaml").unlink(), r"incomplete: scenario\.yaml missing"),
        (other_schema, r"has schema version 99, made by mecsim 0\.1; this mecsim reads \d+\. Run its scenario\.yaml again"),
    ],
)
def test_a_harmed_folder(write, tmp_path, harm, match):
    folder = write(tmp_path / "a")
    harm(folder)
    with pytest.raises(RunFolderError, match=match):
        open_run(folder)


def test_a_harmed_table(write, tmp_path):
    folder = write(tmp_path / "a")
    (folder / "rounds.parquet").write_bytes(b"not parquet at all")
    with pytest.raises(RunFolderError, match=r"rounds\.parquet cannot be read .*Run the study again"):
        open_run(folder).frame("rounds")
