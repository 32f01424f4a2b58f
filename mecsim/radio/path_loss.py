"""The propagation environments that a scenario can name, each with its laws, its randomness and the range that it covers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mecsim.errors import UnknownNameError
from mecsim.radio import line_of_sight, simple_laws, tr38901

Floats = NDArray[np.float64]
Range = tuple[float, float]

_ANY: Range = (0.0, math.inf)


class DistanceLaw(Protocol):
    """Decibels as a function of the 2-D distance, for one frequency and one pair of antenna heights."""

    def __call__(self, d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float, ue_height_m: float) -> Floats:
        """Return the decibels at each of ``d2_m``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLossModel:
    """One environment. The laws take 2-D distances in metres, clamp them to ``minimum_m`` and extrapolate beyond the maxima.

    Those of TR 38.901 have their laws from Tables 7.4.1-1 and 7.4.2-1, and their correlation distances from Tables 7.5-6 and
    7.6.3.1-2. From Table 7.5-6 is ``rician_k_db``, the mean K factor of a path in line of sight; one out of sight is Rayleigh.
    In a model whose ``rician_k_db`` is None, both states have the same loss and shadowing.
    """

    name: str
    los_db: DistanceLaw
    nlos_db: DistanceLaw
    los_probability: Callable[[ArrayLike, float], Floats]
    sigma_los_db: DistanceLaw
    sigma_nlos_db: float
    shadow_correlation_los_m: float
    shadow_correlation_nlos_m: float
    los_correlation_m: float
    bs_height_m: float
    minimum_m: float
    maximum_los_m: float
    maximum_nlos_m: float
    frequency_range_ghz: Range
    bs_height_range_m: Range
    ue_height_range_m: Range
    rician_k_db: float | None


def path_loss_model(
    kind: str, *, exponent: float = 3.0, reference_m: float = 1.0, sigma_db: float | None = None
) -> PathLossModel:
    """Return the model called ``kind``; ``exponent`` and ``reference_m`` (in metres) shape "log-distance" alone.

    ``sigma_db`` replaces the shadowing deviation in both LoS states; None keeps the model's own. Raises UnknownNameError for
    another kind, ValueError for a negative deviation or an exponent or reference that is not positive.
    """
    if kind not in PATH_LOSS_MODELS:
        raise UnknownNameError("path loss model", kind, PATH_LOSS_MODELS)
    if exponent <= 0.0 or reference_m <= 0.0:
        raise ValueError(f"exponent and reference_m must be positive, got {exponent} and {reference_m}")
    if sigma_db is not None and sigma_db < 0.0:
        raise ValueError(f"sigma_db must not be negative, got {sigma_db}")
    model = PATH_LOSS_MODELS[kind]
    if kind == "log-distance":
        model = _log_distance(exponent, reference_m)
    if sigma_db is not None:
        model = replace(model, sigma_los_db=_constant(sigma_db), sigma_nlos_db=sigma_db)
    return model


def _constant(value_db: float) -> DistanceLaw:
    def law(d2_m: ArrayLike, frequency_ghz: float, bs_height_m: float, ue_height_m: float) -> Floats:
        return np.full(np.shape(d2_m), value_db)

    return law


def _certain(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    return np.ones(np.shape(d2_m))


def _never(d2_m: ArrayLike, ue_height_m: float) -> Floats:
    return np.zeros(np.shape(d2_m))


def _simple(
    name: str,
    law: DistanceLaw,
    *,
    los_probability: Callable[[ArrayLike, float], Floats],
    sigma_db: float,
    minimum_m: float,
    frequency_range_ghz: Range = _ANY,
) -> PathLossModel:
    """Return a model with one law for both LoS states, and shadowing that decorrelates over 50 m.

    50 m is the value given for TR 36.814, Table A.2.1.1-2: a default, not verified there.
    """
    return PathLossModel(
        name=name,
        los_db=law,
        nlos_db=law,
        los_probability=los_probability,
        sigma_los_db=_constant(sigma_db),
        sigma_nlos_db=sigma_db,
        shadow_correlation_los_m=50.0,
        shadow_correlation_nlos_m=50.0,
        los_correlation_m=50.0,
        bs_height_m=25.0,
        minimum_m=minimum_m,
        maximum_los_m=math.inf,
        maximum_nlos_m=math.inf,
        frequency_range_ghz=frequency_range_ghz,
        bs_height_range_m=_ANY,
        ue_height_range_m=_ANY,
        rician_k_db=None,
    )


def _log_distance(exponent: float, reference_m: float) -> PathLossModel:
    # 8 dB is the deviation of the macro preset below, for want of a better one: a default, not a measurement.
    law = partial(simple_laws.log_distance_db, exponent=exponent, reference_m=reference_m)
    return _simple("log-distance", law, los_probability=_never, sigma_db=8.0, minimum_m=reference_m)


_UMA = PathLossModel(
    name="uma",
    los_db=tr38901.uma_los_db,
    nlos_db=tr38901.uma_nlos_db,
    los_probability=line_of_sight.uma_los_probability,
    sigma_los_db=_constant(4.0),
    sigma_nlos_db=6.0,
    shadow_correlation_los_m=37.0,
    shadow_correlation_nlos_m=50.0,
    los_correlation_m=50.0,
    bs_height_m=25.0,
    minimum_m=tr38901.OUTDOOR_MINIMUM_M,
    maximum_los_m=5000.0,
    maximum_nlos_m=5000.0,
    frequency_range_ghz=(0.5, 100.0),
    bs_height_range_m=(25.0, 25.0),
    ue_height_range_m=(1.5, 22.5),
    rician_k_db=9.0,
)
_UMI = PathLossModel(
    name="umi",
    los_db=tr38901.umi_los_db,
    nlos_db=tr38901.umi_nlos_db,
    los_probability=line_of_sight.umi_los_probability,
    sigma_los_db=_constant(4.0),
    sigma_nlos_db=7.82,
    shadow_correlation_los_m=10.0,
    shadow_correlation_nlos_m=13.0,
    los_correlation_m=50.0,
    bs_height_m=10.0,
    minimum_m=tr38901.OUTDOOR_MINIMUM_M,
    maximum_los_m=5000.0,
    maximum_nlos_m=5000.0,
    frequency_range_ghz=(0.5, 100.0),
    bs_height_range_m=(10.0, 10.0),
    ue_height_range_m=(1.5, 22.5),
    rician_k_db=9.0,
)
_RMA = PathLossModel(
    name="rma",
    los_db=tr38901.rma_los_db,
    nlos_db=tr38901.rma_nlos_db,
    los_probability=line_of_sight.rma_los_probability,
    sigma_los_db=tr38901.rma_sigma_los_db,
    sigma_nlos_db=8.0,
    shadow_correlation_los_m=37.0,
    shadow_correlation_nlos_m=120.0,
    los_correlation_m=60.0,
    bs_height_m=35.0,
    minimum_m=tr38901.OUTDOOR_MINIMUM_M,
    maximum_los_m=10_000.0,
    maximum_nlos_m=5000.0,
    frequency_range_ghz=(0.5, 30.0),
    bs_height_range_m=(10.0, 150.0),
    ue_height_range_m=(1.0, 10.0),
    rician_k_db=7.0,
)
_INH = PathLossModel(
    name="inh",
    los_db=tr38901.inh_los_db,
    nlos_db=tr38901.inh_nlos_db,
    los_probability=line_of_sight.inh_mixed_los_probability,
    sigma_los_db=_constant(3.0),
    sigma_nlos_db=8.03,
    shadow_correlation_los_m=10.0,
    shadow_correlation_nlos_m=6.0,
    los_correlation_m=10.0,
    bs_height_m=3.0,
    minimum_m=tr38901.INDOOR_MINIMUM_M,
    maximum_los_m=150.0,
    maximum_nlos_m=150.0,
    frequency_range_ghz=(0.5, 100.0),
    bs_height_range_m=_ANY,
    ue_height_range_m=_ANY,
    rician_k_db=7.0,
)

PATH_LOSS_MODELS: dict[str, PathLossModel] = {
    model.name: model
    for model in (
        _UMA,
        _UMI,
        _RMA,
        _INH,
        replace(_INH, name="inh-open", los_probability=line_of_sight.inh_open_los_probability),
        _simple(
            "free-space",
            simple_laws.free_space_db,
            los_probability=_certain,
            sigma_db=0.0,
            minimum_m=simple_laws.FREE_SPACE_MINIMUM_M,
        ),
        _log_distance(exponent=3.0, reference_m=1.0),
        _simple(
            "macro-2ghz",
            simple_laws.macro_2_ghz_db,
            los_probability=_never,
            sigma_db=8.0,
            minimum_m=simple_laws.MACRO_2_GHZ_MINIMUM_M,
            frequency_range_ghz=(2.0, 2.0),
        ),
    )
}
