"""A run folder is written whole or not at all."""

import json

import pyarrow.parquet as pq
import pytest

from mecsim.errors import RunFolderError
from mecsim.results.folder import arrow_schema, write_run
from mecsim.results.reader import open_run
from mecsim.results.records import SCHEMA_VERSION, TABLES, SummaryRow


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_has_every_table_the_scenario_and_the_manifest(write, tmp_path):
    folder = write(tmp_path / "runs" / "a")
    assert names(folder) == sorted([*(f"{name}.parquet" for name in TABLES), "manifest.json", "scenario.yaml"])
    assert names(folder.parent) == ["a"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert list(manifest) == ["mecsim_version", "name", "schema_version"]
    assert manifest["schema_version"] == SCHEMA_VERSION


def test_columns_and_order_are_those_of_the_records(write, tmp_path):
    table = pq.read_table(write(tmp_path / "a") / "energy.parquet")
    assert table.schema.equals(arrow_schema(TABLES["energy"]))
    assert table.schema.metadata[b"mecsim_schema_version"] == str(SCHEMA_VERSION).encode()
    assert table.column("energy_j").to_pylist() == [1.5, 0.25]


def test_only_optional_columns_are_nullable():
    nullable = {field.name for field in arrow_schema(SummaryRow) if field.nullable}
    assert nullable == {
        "final_accuracy", "best_accuracy", "final_loss", "objective", "target_accuracy", "time_to_target_s",
        "device_energy_to_target_j", "uplink_bytes_to_target", "downlink_bytes_to_target",
    }  # fmt: skip


def test_rewriting_gives_the_same_bytes(write, tmp_path):
    one, two = write(tmp_path / "one"), write(tmp_path / "two")
    for path in one.iterdir():
        assert path.read_bytes() == (two / path.name).read_bytes(), path.name


def test_a_new_run_replaces_the_old_one_with_all_its_files(write, tmp_path):
    write(tmp_path / "a", extras=lambda temp: (temp / "report.html").write_text("old"))
    write(tmp_path / "a", scenario_yaml="name: b\n")
    assert open_run(tmp_path / "a").scenario_yaml == "name: b\n"
    assert "report.html" not in names(tmp_path / "a")
    assert names(tmp_path) == ["a"]


def test_extras_may_open_the_folder_they_are_given(write, tmp_path):
    seen = []
    write(tmp_path / "a", extras=lambda temp: seen.append(open_run(temp).manifest["name"]))
    assert seen == ["a"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("older", [True, False])
def test_an_exception_leaves_what_was_there_and_nothing_else(write, tmp_path, error, older):
    if older:
        write(tmp_path / "a", scenario_yaml="name: old\n")

    def fail(temp):
        (temp / "half").write_text("done")
        raise error("stop")

    with pytest.raises(error, match="stop"):
        write(tmp_path / "a", extras=fail)
    assert names(tmp_path) == (["a"] if older else [])
    assert not older or open_run(tmp_path / "a").scenario_yaml == "name: old\n"


def test_the_old_run_comes_back_if_the_new_one_cannot_take_its_place(write, tmp_path, monkeypatch):
    write(tmp_path / "a", scenario_yaml="name: old\n")
    rename = type(tmp_path).rename

    def refuse_new(path, target):
        if ".tmp-" in path.name:
            raise OSError("disk gone")
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", refuse_new)
    with pytest.raises(OSError, match="disk gone"):
        write(tmp_path / "a")
    assert names(tmp_path) == ["a"]
    assert open_run(tmp_path / "a").scenario_yaml == "name: old\n"


def test_a_folder_that_is_no_run_is_left_alone(write, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
    with pytest.raises(RunFolderError, match=r"holds files but no manifest\.json, so it is not a run.*Move it away"):
        write(tmp_path / "thesis")
    assert names(tmp_path / "thesis") == ["chapter.tex"]
    assert names(tmp_path) == ["thesis"]


def test_a_file_of_that_name_is_left_alone(write, tmp_path):
    (tmp_path / "a").write_text("mine")
    with pytest.raises(RunFolderError, match=r"is a file, so no run can be written there\. Choose another name"):
        write(tmp_path / "a")


def test_an_empty_folder_may_be_filled(write, tmp_path):
    (tmp_path / "a").mkdir()
    assert open_run(write(tmp_path / "a")).manifest["name"] == "a"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda tables: tables.pop("rounds"), r"a run has the tables rounds, clients, .*; got clients"),
        (lambda tables: tables.update(rounds=tables["energy"]), r"rounds\.parquet holds RoundRow, got EnergyRow"),
    ],
)
def test_wrong_tables_are_a_mistake_of_the_caller(tables, tmp_path, change, match):
    change(tables)
    with pytest.raises(ValueError, match=match):
        write_run(tmp_path / "a", scenario_yaml="", manifest={}, tables=tables)
    assert names(tmp_path) == []


def test_none_in_a_column_that_has_to_be_full_is_refused(tables, write, tmp_path):
    object.__setattr__(tables["energy"][0], "energy_j", None)
    with pytest.raises(ValueError, match=r"energy\.parquet: column energy_j has 1 empty values"):
        write(tmp_path / "a")
