"""The notebook runs from top to bottom, trains, and gives the frames and figures that it says."""

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).parent.parent.parent / "docs" / "notebooks"

pytestmark = [pytest.mark.learning, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(FOLDER / "first_study.yaml", folder)
    notebook = nbformat.read(FOLDER / "first_study.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}}).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cell):
    return [output.get("data", {}) for output in cell.outputs]


def test_every_cell_gives_something_and_says_nothing_beside_it(executed):
    assert all(len(outputs(cell)) == 1 for cell in executed)
    assert not [output for cell in executed for output in cell.outputs if output.output_type == "stream"]


def test_the_training_of_one_bandwidth_serves_all(executed):
    (counts,) = (eval(outputs(cell)[0]["text/plain"]) for cell in executed if "jobs_by_variant" in cell.source)  # noqa: S307
    assert counts["jobs_run"] == 156
    assert [counts["jobs_by_variant"][f"bandwidth_mhz={mhz}"]["new"] for mhz in (1, 5, 20)] == [156, 0, 0]


def test_a_run_shows_itself_and_figures_are_drawn(executed):
    shown = [data for cell in executed for data in outputs(cell)]
    assert sum("image/png" in data for data in shown) == 3
    (page,) = (outputs(cell)[0]["text/html"] for cell in executed if cell.source.endswith("\nrun"))
    assert page.startswith("<h4>first-study</h4><ul><li>")
    assert "<td>lora</td>" in page


def test_the_notebook_in_the_repository_is_shown_as_it_was_executed(executed):
    kept = [cell for cell in nbformat.read(FOLDER / "first_study.ipynb", as_version=4).cells if cell.cell_type == "code"]
    assert [[sorted(data) for data in outputs(cell)] for cell in kept] == [
        [sorted(data) for data in outputs(cell)] for cell in executed
    ]
    assert "/" not in {line.strip()[:1] for cell in kept for data in outputs(cell) for line in data["text/plain"].splitlines()}
