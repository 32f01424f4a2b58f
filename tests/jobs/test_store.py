"""The store keeps results whole, tells damage, and can be shared."""

import multiprocessing
import sqlite3

import numpy as np
import pytest

from mecsim.errors import MecsimError
from mecsim.jobs.job import Result, job
from mecsim.jobs.store import Store

RESULT = Result({"loss": 0.5}, {"w": np.arange(6, dtype=np.float32).reshape(2, 3)})


def files_of(folder):
    return sorted(path for path in folder.rglob("*.safetensors"))


def test_what_was_put_is_got_back_bit_for_bit(store):
    store.put(job("train", {}), RESULT)
    got = store.get(job("train", {}))
    assert dict(got.numbers) == {"loss": 0.5}
    assert got.tensors["w"].dtype == np.float32
    np.testing.assert_array_equal(got.tensors["w"], RESULT.tensors["w"])


def test_what_was_never_put_is_none(store):
    assert store.get(job("train", {"other": 1})) is None
    assert job("train", {"other": 1}) not in store


def test_a_result_of_other_numerics_is_not_seen(store, tmp_path):
    store.put(job("train", {}), RESULT)
    other = Store(tmp_path / "store", numerics="other")
    assert other.get(job("train", {})) is None
    other.close()


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_file_is_forgotten(store, tmp_path, damage):
    store.put(job("train", {}), RESULT)
    (path,) = files_of(tmp_path)
    path.unlink() if damage is None else path.write_bytes(damage)
    assert store.get(job("train", {})) is None
    assert job("train", {}) not in store


def test_one_flipped_bit_is_damage(store, tmp_path):
    store.put(job("train", {}), RESULT)
    (path,) = files_of(tmp_path)
    blob = bytearray(path.read_bytes())
    blob[-1] ^= 1
    path.write_bytes(blob)
    assert store.get(job("train", {})) is None


def test_changed_numbers_in_the_index_are_damage(store, tmp_path):
    store.put(job("evaluate", {}), Result({"accuracy": 0.5}))
    other = sqlite3.connect(tmp_path / "store" / "index.sqlite")
    other.execute("UPDATE results SET numbers = ?", ('{"accuracy": 0.9}',))
    other.commit()
    other.close()
    assert store.get(job("evaluate", {})) is None


def test_clear_removes_everything(store, tmp_path):
    store.put(job("train", {}), RESULT)
    assert store.clear() == 1
    assert store.get(job("train", {})) is None
    assert files_of(tmp_path) == []


def test_prune_removes_only_what_was_not_used(store):
    store.put(job("train", {}), RESULT)
    assert store.prune(unused_for_s=3600.0) == 0
    assert store.prune(unused_for_s=-1.0) == 1


def test_info_counts_by_kind(store):
    for seed in range(3):
        store.put(job("train", {"seed": seed}), RESULT)
    store.put(job("evaluate", {}), Result({"accuracy": 1.0}))
    assert store.info().n_results == {"evaluate": 1, "train": 3}


def test_a_folder_that_is_no_store_is_an_error_with_a_way_out(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(MecsimError, match="--store"):
        Store(tmp_path / "file", numerics="test")


def write_many(folder, first):
    store = Store(folder, numerics="test")
    for value in range(first, first + 40):
        store.put(job("train", {"value": value % 60}), RESULT)
    store.close()


def test_processes_may_write_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_many, args=(tmp_path / "store", first)) for first in (0, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    store = Store(tmp_path / "store", numerics="test")
    assert all(store.get(job("train", {"value": value})) is not None for value in range(60))
    assert store.info().n_results == {"train": 60}
    store.close()


def test_a_scalar_stays_a_scalar(store):
    wanted = job("train", {})
    turned = np.arange(6.0).reshape(2, 3).T
    store.put(wanted, Result({}, {"alpha": np.float32(0.5), "empty": np.zeros((0, 3)), "turned": turned}))
    got = store.get(wanted)
    assert {name: tensor.shape for name, tensor in got.tensors.items()} == {"alpha": (), "empty": (0, 3), "turned": (3, 2)}
    np.testing.assert_array_equal(got.tensors["turned"], turned)
