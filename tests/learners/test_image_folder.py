"""A folder of images with a folder for each class."""

import numpy as np
import pytest
from PIL import Image

from learners.data.datasets import DATASETS, dataset_spec, load_content
from learners.data.image_folder import ImageFolderParams, digest, load
from mecsim.errors import JobError


@pytest.fixture
def folder(tmp_path):
    files = {"dog/b.png": 200, "dog/a.JPG": 100, "cat/z.png": 0, "10/x.jpeg": 50}
    for name, level in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        colour = Image.new("RGB", (12, 8), (level, level, level))
        colour.save(tmp_path / name, "png" if name.endswith("png") else "jpeg")
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / ".cache").mkdir()
    return tmp_path


def test_classes_are_folders_and_samples_files_in_the_order_of_their_names(folder):
    params = ImageFolderParams(folder=folder, size_px=10)
    spec = dataset_spec("image-folder", params)
    assert (spec["n_classes"], spec["task"], spec["size_px"], spec["colour"]) == (3, "image-classification", 10, False)
    assert "folder" not in spec
    content = load_content("image-folder", spec["digest"])
    assert content.images.shape == (4, 1, 10, 10)
    assert content.labels.tolist() == [0, 1, 2, 2]
    np.testing.assert_allclose(content.images[:, 0, 5, 5] * 255.0, [50, 0, 100, 200], atol=1.0)


def test_colours_can_be_kept(folder):
    Image.new("RGB", (8, 8), (255, 0, 51)).save(folder / "cat" / "z.png")
    red, green, blue = load(ImageFolderParams(folder=folder, size_px=8, colour=True)).images[1]
    assert (red[0, 0], green[0, 0], blue[0, 0]) == pytest.approx((1.0, 0.0, 0.2))


def test_shrinking_averages_over_the_pixels(folder):
    board = np.kron([[0, 255], [255, 0]] * 8, np.ones((1, 8))).astype(np.uint8)
    Image.fromarray(board).save(folder / "cat" / "z.png")
    image = load(ImageFolderParams(folder=folder, size_px=4)).images[1, 0]
    assert image.min() > 0.2
    assert image.max() < 0.8


def test_a_photograph_is_turned_as_its_camera_says(folder):
    levels = np.zeros((8, 8), np.uint8)
    levels[:, 4:] = 255
    photograph = Image.fromarray(levels)
    exif = photograph.getexif()
    exif[0x0112] = 3  # upside down
    photograph.save(folder / "cat" / "z.png", exif=exif)
    image = load(ImageFolderParams(folder=folder, size_px=8)).images[1, 0]
    assert (image[0, 0], image[0, 7]) == (1.0, 0.0)


def test_content_names_and_options_are_in_the_digest_and_the_place_is_not(folder, tmp_path_factory):
    params = ImageFolderParams(folder=folder, size_px=10)
    before = digest(params)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "copy"
    folder.rename(elsewhere)
    moved = params.model_copy(update={"folder": elsewhere})
    assert digest(moved) == before
    assert digest(moved.model_copy(update={"size_px": 11})) != before
    assert digest(moved.model_copy(update={"colour": True})) != before
    (elsewhere / "cat").rename(elsewhere / "cow")
    assert digest(moved) != before
    (elsewhere / "cow").rename(elsewhere / "cat")
    (elsewhere / "cat" / "z.png").write_bytes((elsewhere / "dog" / "b.png").read_bytes())
    assert digest(moved) != before


def test_folders_that_will_not_do_are_refused(folder):
    with pytest.raises(JobError, match=r"notes.txt is no folder"):
        load(ImageFolderParams(folder=folder / "dog" / "notes.txt", size_px=8))
    with pytest.raises(JobError, match="holds 0 folders: it needs one for each class"):
        DATASETS["image-folder"].n_classes(ImageFolderParams(folder=folder / "dog", size_px=8))
    (folder / "empty").mkdir()
    with pytest.raises(JobError, match=r"empty holds no image \(.png, .jpg, .jpeg\)"):
        digest(ImageFolderParams(folder=folder, size_px=8))
