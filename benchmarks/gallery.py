"""The gallery of figures: ``python -m benchmarks.gallery [FIGURE ..]`` writes docs/gallery.md and docs/images/gallery/.

Each figure is drawn from a run of a shipped scenario, in runs/, as ``mecsim plot`` does it; a run that is not there is made.
"""

import argparse
from pathlib import Path

from PIL import Image

from analysis.material import Material
from analysis.plots.figures import FIGURES
from analysis.plots.study import draw
from analysis.plots.style import FORMATS, house_style
from mecsim.cli.run import run
from mecsim.results.reader import Run, open_run

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "gallery.md"
PICTURES = ROOT / "docs" / "images" / "gallery"

#: A scenario, the folder of its run, and the variant that figures of one variant are drawn of.
Source = tuple[str, str, str | None]
QUICKSTART: Source = ("quickstart", "quickstart", None)
BANDWIDTH: Source = ("sweeps/bandwidth", "sweep-bandwidth", "bandwidth_mhz=20")
PROTOCOLS: Source = ("sweeps/deadline_async", "sweep-deadline-async", "protocol=deadline")
MEMORY: Source = ("sweeps/memory", "sweep-memory", "memory_gb=3")
CONTROL: Source = ("papers/fedpeat_control", "fedpeat_control", None)
#: Where a figure is not drawn of the sweep over the carrier.
SOURCES: dict[str, Source] = {
    "overview": QUICKSTART,
    "timeline": PROTOCOLS,
    "participation": MEMORY,
    "groups": MEMORY,
    "area_map": ("network/small_cells", "small-cells", None),
    "diagnostics": QUICKSTART,
    "objective_by_scheme": CONTROL,
    "objective_paired": CONTROL,
    "decisions": CONTROL,
    "surrogate_fit": CONTROL,
    "surrogate_residuals": CONTROL,
    "policy_training": CONTROL,
}
HEAD = """\
# Gallery

Every figure that mecsim draws, with its command. `mecsim run` draws those that suit the study into `plots/` of its run folder,
as SVG, PDF and PNG; `mecsim plot` draws one, in the size and font of a paper, and without `--figure` lists those of a run.
The pictures and this page are made by `python -m benchmarks.gallery` from runs of shipped scenarios
([what each of them asks](../scenarios/README.md)).
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Draw the gallery, and write its page.")
    parser.add_argument("names", nargs="*", choices=[*FIGURES, []], help="figures to draw again; default: all")
    names = parser.parse_args().names or list(FIGURES)
    PICTURES.mkdir(parents=True, exist_ok=True)
    runs: dict[Source, Run] = {}
    sections = []
    for name in FIGURES:
        source = SOURCES.get(name, BANDWIDTH)
        opened = runs.setdefault(source, opened_run(source))
        if name in names:
            picture(opened, name, source)
        sections.append(section(opened, name, source))
    PAGE.write_text("\n".join([HEAD, *sections]), encoding="utf-8", newline="\n")


def opened_run(source: Source) -> Run:
    """Return the run of a scenario; it is made where it is not there."""
    scenario, name, _ = source
    folder = ROOT / "runs" / name
    if not folder.exists():
        run(ROOT / "scenarios" / f"{scenario}.yaml", None, folder, ROOT / ".mecsim" / "store")
    return open_run(folder)


def variant_of(name: str, source: Source) -> str | None:
    return source[2] if FIGURES[name].scope == "variant" else None


def picture(opened: Run, name: str, source: Source) -> None:
    """Draw a figure as a PNG of few colours: a repository keeps every version of it."""
    path = PICTURES / f"{name}.png"
    with house_style():
        draw(opened, name, variant_of(name, source)).savefig(path, format="png", **{**FORMATS["png"], "dpi": 160})
    with Image.open(path) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


def section(opened: Run, name: str, source: Source) -> str:
    """Return the part of the page that shows a figure."""
    scenario, folder, _ = source
    variant = variant_of(name, source)
    whole = Material(opened)
    material = whole if variant is None and FIGURES[name].scope == "study" else whole.of(variant or whole.variants[0])
    chosen = f' --variant "{variant}"' if variant else ""
    return (
        f"## {name}\n\n![{name}](images/gallery/{name}.png)\n\n{FIGURES[name].caption(material)}\n\n"
        f"```\nmecsim run scenarios/{scenario}.yaml\nmecsim plot runs/{folder} --figure {name}{chosen}\n```\n"
    )


if __name__ == "__main__":
    main()
