"""What a run was asked, in words, from its resolved scenario; what the scenario does not have is not said."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from analysis.formats import percent_text
from analysis.report.swept import without_swept

_PLACES = {"uma": "urban macro cells", "umi": "urban street cells", "rma": "rural macro cells", "inh": "an indoor office"}
_COURSES = {
    "deadline": "rounds with a deadline, each in need of {n} devices",
    "buffered": "merges of buffered updates, with {n} devices at work at a time",
    "async": "merges of single updates, with {n} devices at work at a time",
    "hierarchical": "rounds of the cloud, each asking {n} devices behind their stations",
}
_PARTITIONS = {
    "iid": "with the same mix of classes for all",
    "dirichlet": "with a Dirichlet label skew",
    "groups": "by who naturally owns them",
    "shards": "in shards of sorted labels",
    "quantity": "in unequal amounts",
}


def asked(scenario: Mapping[str, Any]) -> list[str]:
    """Return a paragraph each on the world, the learning and the course of the study; what a sweep changes is not said."""
    rest = without_swept(scenario)
    n_seeds = _at(scenario, "replications")
    paragraphs = (world(rest), learning(rest), [*course(rest), *([replications(int(n_seeds))] if n_seeds else [])])
    return [_sentence(parts) for parts in (list(paragraph) for paragraph in paragraphs) if parts]


def _sentence(parts: Sequence[str]) -> str:
    """Join parts; only an article gets a capital, as names of models stand as they are written."""
    text = f"{'; '.join(parts)}."
    return text[0].upper() + text[1:] if text.startswith(("a ", "an ", "the ")) else text


def is_synthetic(scenario: Mapping[str, Any]) -> bool:
    """Tell whether a formula stood in for training."""
    return bool(_at(scenario, "learning.kind") == "synthetic")


def scheme_settings(scenario: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings of each scheme by its label, as "rank 8, rate 0.05"."""
    entries = [entry for entry in _at(scenario, "schemes") or () if isinstance(entry, Mapping)]
    return {
        str(entry.get("label", entry.get("name"))): _settings(entry, leave=("name", "label")) or "no settings"
        for entry in entries
    }


def world(scenario: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of devices, area, stations and carrier."""
    groups = [group for group in _at(scenario, "fleet.groups") or () if isinstance(group, Mapping)]
    if groups:
        total = sum(int(group.get("count", 0)) for group in groups)
        kinds = ", ".join(f"{group.get('count')} {group.get('name') or group.get('profile')}" for group in groups)
        yield f"{total} device{'s' if total != 1 else ''} ({kinds})"
    if area := _at(scenario, "fleet.area_m"):
        yield f"an area of {area[0]:g} m by {area[1]:g} m"
    if layout := _at(scenario, "network.layout"):
        n_stations = int(layout.get("rows", 0)) * int(layout.get("columns", 0))
        place = _PLACES.get(str(_at(scenario, "network.path_loss.kind")), "")
        yield f"{n_stations} base stations on a {layout.get('kind')} grid" + (f" in {place}" if place else "")
    if stations := _at(scenario, "network.stations"):
        place = _PLACES.get(str(_at(scenario, "network.path_loss.kind")), "")
        yield f"{len(stations)} base station{'s' if len(stations) != 1 else ''}" + (f" in {place}" if place else "")
    if carrier := _at(scenario, "network.carrier"):
        yield _carrier(carrier)
    if trace := _at(scenario, "network.trace"):
        n_files = len(trace.get("files") or ())
        yield f"rates as measured, from {n_files} file{'s' if n_files != 1 else ''}"
    if _at(scenario, "fleet.backbone_preinstalled"):
        yield "the pretrained model is on the devices from the start"


def _carrier(carrier: Mapping[str, Any]) -> str:
    width, frequency, share = (carrier.get(key) for key in ("bandwidth_mhz", "frequency_ghz", "downlink_share"))
    parts = ["a carrier", f"of {width:g} MHz" if width is not None else "", f"at {frequency:g} GHz" if frequency else ""]
    split = f", {percent_text(float(share))} of the time for the downlink" if share is not None else ""
    return " ".join(filter(None, parts)) + split


def learning(scenario: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of model, data and local work."""
    if is_synthetic(scenario):
        yield "Nothing is trained: accuracy follows from a formula of the data that were merged, and says nothing of any scheme"
    model, dataset = _at(scenario, "learning.model"), _at(scenario, "learning.dataset")
    name = dataset.get("name") if isinstance(dataset, Mapping) else dataset
    if model and name:
        yield f"{model} is fine-tuned on {name}"
    if partition := _at(scenario, "learning.partition"):
        how = _PARTITIONS.get(str(partition.get("kind")), str(partition.get("kind")))
        settings = _settings(partition, leave=("kind", "clients"))
        yield f"the data are dealt to the devices {how}" + (f" ({settings})" if settings else "")
    if local := _at(scenario, "learning.local"):
        n_epochs = local.get("epochs")
        how = f", with {str(local['optimizer']).upper()}" if local.get("optimizer") else ""
        passes = "training" if n_epochs is None else f"{n_epochs} epoch{'s' if n_epochs != 1 else ''}"
        batches = f" in batches of {local['batch_size']}" if local.get("batch_size") else ""
        yield f"a turn of a device is {passes}{batches}{how}"
    if _at(scenario, "learning.head_start") == "public":
        yield "new heads are fitted by the server on public data first"
    if stand_in := _at(scenario, "learning.account_as"):
        yield f"costs are counted as for {stand_in}"


def course(scenario: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is said of protocol, selection and target."""
    if protocol := _at(scenario, "protocol"):
        n_asked, kind = protocol.get("clients_per_round", "some"), str(protocol.get("kind"))
        whose = _COURSES.get(kind, "rounds ({kind}), each asking {n} devices").format(kind=kind, n=n_asked)
        yield " ".join(filter(None, (str(protocol.get("rounds", "")), whose)))
    if (selection := str(_at(scenario, "selection.kind") or "uniform")) != "uniform":
        yield f"devices are selected by the policy {selection}"
    if target := _at(scenario, "target_accuracy"):
        yield f"the target is an accuracy of {percent_text(float(target))}"


def replications(n_seeds: int) -> str:
    """Return what is said of the seeds."""
    return f"each scheme is run with {n_seeds} seed{'s' if n_seeds != 1 else ''}, and all schemes meet the same world"


def _settings(entry: Mapping[str, Any], leave: tuple[str, ...]) -> str:
    parts = []
    for key, value in entry.items():
        if key in leave or value is None:
            continue
        text = f"({_settings(value, leave=())})" if isinstance(value, Mapping) else str(value)
        parts.append(f"{str(key).replace('_', ' ')} {text}")
    return ", ".join(parts)


def _at(scenario: Any, key: str) -> Any:
    """Return the value at a dotted key, or None if it is not there."""
    for part in key.split("."):
        scenario = scenario.get(part) if isinstance(scenario, Mapping) else None
    return scenario
