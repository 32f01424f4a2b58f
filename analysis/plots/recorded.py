"""Which curves the diagnostics of a run make: what belongs into one panel, and how each is named."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from analysis.frames import curve

if TYPE_CHECKING:
    import pandas as pd

    from analysis.material import Material

#: Diagnostics that stand alone in a panel, a curve a scheme, in reading order: name -> title, axis, factor.
SINGLE = {
    "gap": ("Gap: deployed less devices' model", "Accuracy (points)", 100.0),
    "drift": ("Drift of the small model's scores", "Root mean square", 1.0),
    "agreement": ("Large and small model say the same", "Samples (%)", 100.0),
    "both_wrong": ("Large and small model both wrong", "Samples (%)", 100.0),
    "alpha": ("Weight of the small model's shift", "alpha", 1.0),
    "epsilon": ("Privacy spent, largest over devices", "epsilon", 1.0),
    "progress": ("Progress on the made-up curve", "Passes over all data", 1.0),
    "bits_per_byte": ("Bits a byte of what is deployed", "Bits a byte", 1.0),
}
#: Models beside the deployed one whose quality is recorded: prefix -> its name in the legend.
PARTS = {
    "emulator": "around the emulator",
    "proxy": "the proxy",
    "large": "the large model alone",
    "small": "the small model alone",
    "mixture": "both in equal parts",
    "alpha_1": "the proxy at alpha 1",
}
DEPLOYED = "what is deployed"
#: Qualities that parts are compared by: suffix -> axis and factor.
_QUALITIES = {"accuracy": ("Accuracy (%)", 100.0), "bits_per_byte": ("Bits a byte", 1.0)}


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel: ``curves`` are by scheme ("label") or by part of one scheme ("part"), each a frame of ``frames.curve``.

    The frames have ``x`` (round), ``value``, and ``half`` (of the 95 % interval; NaN for one seed), already times the factor.
    """

    title: str
    axis: str
    by: Literal["label", "part"]
    curves: "dict[str, pd.DataFrame]"


def panels(material: "Material") -> list[Panel]:
    """Return the panels of one variant: parts of each scheme that has some, then the diagnostics that stand alone.

    Losses, perplexities, numbers of single emulators of a ladder and other parts of parts are left out.
    """
    told, rounds = material.frame("diagnostics"), material.frame("rounds")
    known = set(told["name"])
    made = [
        panel
        for label in material.labels["label"]
        for quality in _QUALITIES
        if (panel := _of_parts(str(label), quality, told[told["label"] == label], rounds[rounds["label"] == label]))
    ]
    alone = [name for name in SINGLE if name in known and name != material.quality]
    others = [name for name in dict.fromkeys(told["name"]) if name not in SINGLE and not _is_detail(name)]
    return [*made, *(_single(name, told[told["name"] == name], material) for name in (*alone, *others))]


def _is_detail(name: str) -> bool:
    """Tell whether a number is shown elsewhere, or is a part's loss, or one of a ladder's many."""
    endings = ("loss", "perplexity", "accuracy", "bits_per_byte")
    return name.endswith(endings) or name.startswith(("gap_", "emulator_"))


def _single(name: str, told: "pd.DataFrame", material: "Material") -> Panel:
    title, axis, factor = SINGLE.get(name, (name.replace("_", " "), name.replace("_", " "), 1.0))
    labels = [str(label) for label in material.labels["label"] if label in set(told["label"])]
    return Panel(title, axis, "label", {label: _curve(told[told["label"] == label], factor) for label in labels})


def _of_parts(label: str, quality: str, told: "pd.DataFrame", rounds: "pd.DataFrame") -> Panel | None:
    """Return the panel of one scheme's parts, with what it deploys; None without parts."""
    axis, factor = _QUALITIES[quality]
    curves = {
        name: _curve(own, factor)
        for prefix, name in PARTS.items()
        if len(own := told[told["name"] == f"{prefix}_{quality}"])
    }  # fmt: skip
    if not curves:
        return None
    if quality == "accuracy":
        deployed = rounds.dropna(subset=["accuracy"]).assign(value=lambda frame: frame["accuracy"])
    else:
        deployed = told[told["name"] == quality]
    if len(deployed):
        curves = {DEPLOYED: _curve(deployed, factor), **curves}
    return Panel(label, axis, "part", curves)


def _curve(rows: "pd.DataFrame", factor: float) -> "pd.DataFrame":
    points = curve(rows, "round", "value")
    return points.assign(value=factor * points["value"], half=factor * points["half"])
