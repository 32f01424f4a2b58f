"""A job's name: what is in it, what is not, and that it never changes by accident."""

import sys

from mecsim.jobs.job import job


def test_one_name_is_pinned_so_that_no_refactoring_loses_a_store():
    state = job("init", {"seed": 1, "model": "tiny"})
    assert job("train", {"lr": 0.1}, [state]).name == "85dac7f60603ef8fc4294c5309fa581ae9756af0b6783f6b20d38cab6c39d802"


def test_the_order_of_parameters_is_not_part_of_the_name():
    assert job("train", {"a": 1, "b": 2}) == job("train", {"b": 2, "a": 1})


def test_kind_parameters_and_inputs_are_all_part_of_the_name():
    base = job("train", {"a": 1}, [job("init", {})])
    others = [job("test", {"a": 1}, [job("init", {})]), job("train", {"a": 2}, [job("init", {})]), job("train", {"a": 1})]
    assert len({base.name, *(other.name for other in others)}) == 4


def test_the_order_of_inputs_is_part_of_the_name():
    one, two = job("init", {"i": 1}), job("init", {"i": 2})
    assert job("average", {}, [one, two]) != job("average", {}, [two, one])


def test_a_graph_deeper_than_the_recursion_limit_is_named_compared_and_shown():
    deep = job("init", {})
    for step in range(3 * sys.getrecursionlimit()):
        deep = job("train", {"step": step}, [deep])
    assert deep == deep
    assert len({deep, deep}) == 1
    assert "train" in repr(deep)
