"""Local tables of every format, with what real files have in them, and what is wrong with files."""

import io
import json

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from PIL import Image
from pydantic import ValidationError

from learners.data.datasets import DATASETS, dataset_spec, load_content
from learners.data.table import TableParams, load
from mecsim.errors import JobError

ROWS = [('good , "really" good', "1", "ann"), ("it's 5\" long", "0", "bob"), ("NA", "1", "ann"), ("null", "0", "cid")]


def write(path, rows=ROWS, names=("sentence", "label", "who")):
    match path.suffix:
        case ".csv":
            import csv

            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([names, *rows] if names else rows)
        case ".tsv":
            lines = ["\t".join(row) for row in ([names, *rows] if names else rows)]
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        case ".jsonl":
            path.write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows), encoding="utf-8")
        case ".parquet":
            columns = {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}
            pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")


@pytest.mark.parametrize("ending", FORMATS)
def test_the_same_samples_are_read_from_every_format(tmp_path, ending):
    params = TableParams(path=write(tmp_path / f"table{ending}"), text="sentence", group="who")
    content = load(params)
    assert content.texts == tuple(row[0] for row in ROWS)
    assert content.labels.tolist() == [1, 0, 1, 0]
    assert (content.groups.tolist(), content.group_names) == ([0, 1, 0, 2], ("ann", "bob", "cid"))
    assert content.test is None
    other = TableParams(path=write(tmp_path / "other.tsv", names=("a", "b", "c")), text="a", label="b", group=2)
    assert dataset_spec("table", params)["digest"] == dataset_spec("table", other)["digest"]


@pytest.mark.parametrize("ending", FORMATS)
def test_a_second_file_is_the_test_split(tmp_path, ending):
    train = write(tmp_path / f"train{ending}")
    test = write(tmp_path / "dev.tsv", ROWS[:2])
    content = load(TableParams(path=train, test_path=test, text="sentence"))
    assert content.test.tolist() == [False] * 4 + [True] * 2
    assert content.texts[4:] == content.texts[:2]
    assert content.labels.tolist() == [1, 0, 1, 0, 1, 0]


def test_a_job_names_the_content_and_neither_place_nor_format(tmp_path):
    spec = dataset_spec("table", TableParams(path=write(tmp_path / "table.csv"), text="sentence", max_length=17))
    assert (spec["task"], spec["n_classes"], spec["max_length"]) == ("text-classification", 2, 17)
    assert {"path", "test_path"}.isdisjoint(spec)
    assert str(tmp_path) not in json.dumps(spec)
    assert load_content("table", spec["digest"]).texts[2] == "NA"
    write(tmp_path / "table.csv", [*ROWS[:3], ("nil", "0", "cid")])
    with pytest.raises(JobError, match=f"named with {spec['digest'][:12]}"):
        load_content("table", spec["digest"])


@pytest.mark.parametrize("change", [{"label": "who"}, {"group": "who"}, {"max_samples": 3}], ids=str)
def test_options_that_change_the_content_change_its_digest(tmp_path, change):
    plain = TableParams(path=write(tmp_path / "table.csv"), text="sentence")
    digest = DATASETS["table"].digest
    assert digest(plain) != digest(plain.model_copy(update=change))
    assert digest(plain) == digest(plain.model_copy(update={"train_per_class": 1, "max_length": 9}))


def test_a_line_of_a_tsv_file_is_a_row_whatever_quotes_it_has(tmp_path):
    path = tmp_path / "glue.tsv"
    path.write_bytes('sentence\tlabel\n"no closing quote \t1\r\n""two"" , fine\t0\n\nlast\u2028one\t1'.encode())
    content = load(TableParams(path=path, text="sentence"))
    assert content.texts == ('"no closing quote ', '""two"" , fine', "last\u2028one")


def test_a_quoted_cell_of_a_csv_file_may_hold_commas_quotes_and_line_ends(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b'\xef\xbb\xbfsentence,label\r\n"a, ""b""\nc",1\r\nd,0\r\ne,0\r\n')
    assert load(TableParams(path=path, text="sentence")).texts == ('a, "b"\nc', "d", "e")


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_columns_without_names_have_numbers(tmp_path, ending):
    path = write(tmp_path / f"table{ending}", names=())
    content = load(TableParams(path=path, header=False, text=0, label=1, group=2))
    assert len(content) == 4
    assert content.group_names == ("ann", "bob", "cid")


@pytest.mark.parametrize(
    ("labels", "expected", "classes"),
    [
        (["10", "9", "9.0", "10"], [1, 0, 0, 1], ("9", "10")),
        (["neg", "pos", "neg ", "neg"], [0, 1, 0, 0], ("neg", "pos")),
        (["1_1", "11", "11", "1_1"], [1, 0, 0, 1], ("11", "1_1")),
        (["nan", "1", "1", "1"], [1, 0, 0, 0], ("1", "nan")),
    ],
)
def test_classes_are_sorted_as_numbers_if_all_are_and_else_as_words(tmp_path, labels, expected, classes):
    path = write(tmp_path / "table.tsv", [(f"text {i}", label) for i, label in enumerate(labels)], ("text", "label"))
    params = TableParams(path=path, text="text")
    assert load(params).labels.tolist() == expected
    assert DATASETS["table"].n_classes(params) == len(classes)


def test_at_most_so_many_samples_are_drawn_from_the_whole_file_always_the_same(tmp_path):
    rows = [(f"text {i}", str(i // 100)) for i in range(200)]
    path = write(tmp_path / "sorted.tsv", rows, ("text", "label"))
    test = write(tmp_path / "test.tsv", rows[95:105], ("text", "label"))
    params = TableParams(path=path, test_path=test, text="text", max_samples=40)
    one, again = load(params), load(params)
    assert one.texts == again.texts
    assert (len(one), int(one.test.sum())) == (50, 10)
    drawn = [int(text.split()[1]) for text in one.texts[:40]]
    assert drawn == sorted(set(drawn))
    assert 8 <= sum(number < 100 for number in drawn) <= 32


def picture(path, level, size=(6, 6), mode="L"):
    path.parent.mkdir(exist_ok=True)
    Image.new(mode, size, level).save(path)


@pytest.fixture
def pictured(tmp_path):
    for i in range(4):
        picture(tmp_path / "pics" / f"{i}.png", 50 * i)
    return write(tmp_path / "table.csv", [(f"pics/{i}.png", "ab"[i % 2]) for i in range(4)], ("file", "label"))


def test_images_are_read_from_beside_the_table(pictured):
    params = TableParams(path=pictured, image="file")
    spec = dataset_spec("table", params)
    content = load_content("table", spec["digest"])
    assert spec["task"] == content.task == "image-classification"
    assert content.images.shape == (4, 1, 6, 6)
    assert content.images.dtype == np.float32
    np.testing.assert_allclose(content.images[:, 0, 0, 0] * 255.0, [0, 50, 100, 150], rtol=1e-6)
    coloured = load(TableParams(path=pictured, image="file", colour=True, size_px=8))
    assert coloured.images.shape == (4, 3, 8, 8)


def test_an_image_that_changed_is_another_content(pictured):
    params = TableParams(path=pictured, image="file")
    before = DATASETS["table"].digest(params)
    picture(pictured.parent / "pics" / "3.png", 151)
    assert DATASETS["table"].digest(params) != before
    assert DATASETS["table"].digest(params.model_copy(update={"size_px": 9})) != before


def test_images_inside_a_parquet_file_are_read(tmp_path):
    held = []
    for level in (0, 255, 0):
        file = io.BytesIO()
        Image.new("L", (5, 4), level).save(file, "png")
        held.append({"bytes": file.getvalue(), "path": None})
    pyarrow.parquet.write_table(pyarrow.table({"img": held, "label": [3, 5, 3]}), tmp_path / "t.parquet")
    content = load(TableParams(path=tmp_path / "t.parquet", image="img"))
    assert content.images.shape == (3, 1, 4, 5)
    assert content.images[:, 0, 0, 0].tolist() == [0.0, 1.0, 0.0]
    assert content.labels.tolist() == [0, 1, 0]


def test_images_of_several_sizes_need_one_to_be_given(pictured):
    picture(pictured.parent / "pics" / "2.png", 9, size=(7, 5))
    with pytest.raises(JobError, match="2 sizes, such as 7x5 and 6x6 pixels: give size_px"):
        load(TableParams(path=pictured, image="file"))
    assert load(TableParams(path=pictured, image="file", size_px=6)).images.shape == (4, 1, 6, 6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.unlink(), "cannot read the image .*2.png: No such file"),
        (lambda path: path.write_bytes(b"no picture"), "2.png cannot be decoded"),
        (lambda path: path.write_bytes(path.read_bytes()[:45]), "2.png cannot be decoded"),
        (lambda path: picture(path, 9, mode="I;16"), "more than 8 bits a value"),
    ],
)
def test_images_that_cannot_be_read_are_named(pictured, spoil, message):
    spoil(pictured.parent / "pics" / "2.png")
    with pytest.raises(JobError, match=message):
        load(TableParams(path=pictured, image="file"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "", "is empty"),
        ("t.csv", "text,label\n", "t.csv has no rows"),
        ("t.csv", "text,lable\na,1\n", "no column 'label', or several: its columns are 'text', 'lable'"),
        ("t.csv", "text,label,label\na,1,2\n", "no column 'label', or several"),
        ("t.csv", "text,label\na,1\nb, c,0\n", "row 2, has 3 cells, the first line has 2: put quotes"),
        ("t.csv", 'text,label\n"a,1\nb,0\n', "is no csv file in UTF-8: unexpected end of data"),
        ("t.tsv", "text\tlabel\na\t1\nb\n", "row 2, has 1 cells, the first line has 2"),
        ("t.tsv", "text\tlabel\na\t1\nb\t\n", "row 2, has no label"),
        ("t.tsv", "text\tlabel\n \t1\nb\t0\n", "row 1, has no text"),
        ("t.tsv", "text\tlabel\na\t1\nb\t1\n", "all labels of .* are '1'"),
        ("t.tsv", "text\tlabel\na\t1.5\nb\t2.5\n", "each of the 2 samples has a label of its own"),
        ("t.jsonl", '{"text": "a", "label": 1}\n{"text": "b"}\n', "line 2, needs the keys 'text', 'label', and has 'text'"),
        ("t.jsonl", '{"text": "a", "label": null}\n', "row 1, has no label"),
        ("t.jsonl", "text\n", "line 1, is no JSON"),
        ("t.jsonl", "[1]\n", "line 1, needs the keys"),
        ("t.parquet", "text", "is no Parquet file"),
    ],
)
def test_files_that_will_not_do_are_refused_with_place_and_way_out(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(JobError, match=message):
        load(TableParams(path=tmp_path / name, text="text"))


def test_another_encoding_a_missing_file_and_a_missing_column_are_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes("text,label\nä,1\n".encode("latin-1"))
    with pytest.raises(JobError, match="no csv file in UTF-8"):
        load(TableParams(path=tmp_path / "t.csv", text="text"))
    with pytest.raises(JobError, match=r"cannot read .*none.csv: No such file"):
        load(TableParams(path=tmp_path / "none.csv", text="text"))
    with pytest.raises(JobError, match="no column 'txt': its columns are 'sentence', 'label', 'who'"):
        load(TableParams(path=write(tmp_path / "t.parquet"), text="txt"))


def test_labels_that_only_the_test_part_has_are_refused(tmp_path):
    train, test = write(tmp_path / "train.tsv"), write(tmp_path / "test.tsv", [("x", "-1", "dan")])
    with pytest.raises(JobError, match=r"test part has labels that .*train.tsv has not: '-1'"):
        load(TableParams(path=train, test_path=test, text="sentence"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "name the column of the texts"),
        ({"text": "a", "image": "b"}, "name the column of the texts"),
        ({"text": "a", "path": "t.xlsx"}, "should end in .csv, .tsv"),
        ({"text": "a", "test_path": "t.xlsx"}, "should end in .csv, .tsv"),
        ({"text": "a", "header": False}, "columns .* are numbers from 0"),
        ({"text": 0, "path": "t.jsonl"}, "columns of a .jsonl file have names"),
        ({"text": -1}, "count from 0"),
        ({"text": "a", "max_samples": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_do_not_fit_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        TableParams.model_validate_json(json.dumps({"path": "t.csv", **options}))
