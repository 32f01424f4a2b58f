import pytest

from mecsim.results.folder import write_run
from mecsim.results.records import TABLES, EnergyRow, SummaryRow

TRIAL = {"scheme": "fedpeft", "label": "fedpeft-bias", "variant": "", "seed": 1}


def energy(joules: float) -> EnergyRow:
    return EnergyRow(**TRIAL, round=1, node="devices", part="radio", energy_j=joules)


def summary() -> SummaryRow:
    hints = {"int": 3, "float": 0.5, "str": "x"}
    values = {name: None if "None" in str(kind) else hints[kind.__name__] for name, kind in SummaryRow.__annotations__.items()}
    return SummaryRow(**TRIAL, **values)


@pytest.fixture
def tables():
    return {**dict.fromkeys(TABLES, ()), "energy": [energy(1.5), energy(0.25)], "summary": [summary()]}


@pytest.fixture
def write(tables):
    def call(folder, **changes):
        given = {"scenario_yaml": "name: a\n", "manifest": {"name": "a", "mecsim_version": "0.1"}, "tables": tables}
        write_run(folder, **(given | changes))
        return folder

    return call
