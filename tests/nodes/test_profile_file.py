import pytest

from mecsim.errors import MecsimError, ScenarioError
from mecsim.nodes.profile_file import check_writable, read_profile, write_profile
from mecsim.nodes.profiles import PROFILES, CyclesModel, DeviceProfile

WRITTEN = """\
name: my-board
peak_tflops: 0.5
efficiency: 0.25
memory_bandwidth_gbytes_per_s: 20
memory_gb: 4
usable_memory: 0.8
idle_w: 2.5
active_w: 9.0
launch_ms: 12
"""
SIMPLE = WRITTEN + "cycles: {kappa: 1.0e-28, cycles_per_sample: 20000, frequency_ghz: 1.8}\n"


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "machine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_file_is_read_in_its_units(written):
    assert read_profile(written(WRITTEN)) == DeviceProfile(
        name="my-board",
        peak_flops=5e11,
        efficiency=0.25,
        memory_bandwidth_bytes_per_s=2e10,
        memory_bytes=4e9,
        usable_memory=0.8,
        idle_w=2.5,
        active_w=9.0,
        launch_s=0.012,
        source="not stated",
    )
    assert read_profile(written(SIMPLE)).cycles == CyclesModel(kappa=1e-28, cycles_per_sample=2e4, frequency_hz=1.8e9)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_what_is_written_is_read(profile, tmp_path):
    write_profile(tmp_path / "machine.yaml", profile, ["a note", "of two\nlines"])
    assert read_profile(tmp_path / "machine.yaml") == profile
    assert (tmp_path / "machine.yaml").read_text().startswith("# a note\n# of two\n# lines\nname: ")
    assert [path.name for path in tmp_path.iterdir()] == ["machine.yaml"]


def test_simple_models_of_time_are_written_too(tmp_path, written):
    path = tmp_path / "again.yaml"
    write_profile(path, read_profile(written(SIMPLE)))
    assert read_profile(path) == read_profile(written(SIMPLE))
    write_profile(path, read_profile(written(WRITTEN + "ms_per_sample: 7.5\n")))
    assert read_profile(path).ms_per_sample == 7.5


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("memory_gb: 4\n", "", ("memory_gb: this key is required and missing",)),
        ("memory_gb: 4", "memory_gb: 0", ("line 5: memory_gb: must be greater than 0, got 0",)),
        ("efficiency: 0.25", "efficiency: 1.25", ("line 3: efficiency: must be less than or equal to 1",)),
        ("idle_w: 2.5", "idle_w: -1.0", ("line 7: idle_w: must be greater than or equal to 0",)),
        ("active_w: 9.0", "active_w: 2.0", ("active_w (2.0) is below idle_w (2.5)", "no negative power")),
        ("name: my-board", "nam: my-board", ("line 1: nam: there is no such key", "Did you mean 'name'?")),
        ("launch_ms: 12", "launch_ms: 12 ms", ("line 9: launch_ms: must be a number, got '12 ms'",)),
        ("launch_ms: 12", "launch_ms: 12\nradio: 5g", ("line 10: radio: there is no radio called '5g'", "nr-low-band")),
        ("launch_ms: 12", "launch_ms: 12\nidle_w: 3.0", ("line 10: idle_w: this key is given twice, first on line 7",)),
        ("launch_ms: 12", "launch_ms: 12\ncycles: {kappa: 1.0}", ("line 10: cycles.frequency_ghz: this key is required",)),
        ("launch_ms: 12", "launch_ms: [", ("not valid YAML",)),
    ],
)
def test_what_is_wrong_is_named_with_its_line(old, new, words, written):
    assert old in WRITTEN
    path = written(WRITTEN.replace(old, new))
    with pytest.raises(ScenarioError) as caught:
        read_profile(path)
    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_all_problems_come_at_once(written):
    with pytest.raises(ScenarioError) as caught:
        read_profile(written(WRITTEN.replace("0.25", "2").replace("idle_w: 2.5", "idle: 2.5")))
    assert {problem.key for problem in caught.value.problems} == {"efficiency", "idle", "idle_w"}


def test_two_models_of_time_are_refused(written):
    with pytest.raises(ScenarioError, match="cycles and ms_per_sample are both given"):
        read_profile(written(SIMPLE + "ms_per_sample: 5.0\n"))


@pytest.mark.parametrize("text", ["", "- 1\n", "just words\n"])
def test_something_else_is_no_profile(text, written):
    with pytest.raises(ScenarioError, match="a device profile is a section of keys"):
        read_profile(written(text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ScenarioError, match="cannot read it: No such file"):
        read_profile(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ScenarioError, match="not text in UTF-8"):
        read_profile(tmp_path / "binary.yaml")


def test_a_profile_replaces_a_profile_and_nothing_else(written, tmp_path):
    check_writable(written(WRITTEN))
    check_writable(tmp_path / "new.yaml")
    with pytest.raises(MecsimError, match="is no device profile, so it is left alone"):
        check_writable(written("schema: 1\n"))
    with pytest.raises(MecsimError, match="there is no folder"):
        check_writable(tmp_path / "nowhere" / "new.yaml")


def test_a_folder_that_cannot_be_written_to(tmp_path):
    with pytest.raises(MecsimError, match=r"cannot write .*new\.yaml"):
        write_profile(tmp_path / "nowhere" / "new.yaml", PROFILES["phone-mid"])
