"""Modulation and coding of NR: the channel quality and MCS tables of TS 38.214, and the SNR that a code block needs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quality:
    """One channel quality indicator: ``modulation_order`` bits a symbol, ``code_rate_1024`` data bits in 1024 coded ones.

    At ``snr_db``, a transport block of this format fails with probability 0.1 over a channel with white noise alone.
    """

    index: int
    modulation_order: int
    code_rate_1024: float
    snr_db: float
    extrapolated: bool = False

    @property
    def efficiency(self) -> float:
        """Return the data bits a symbol, hence the spectral efficiency in bit/s/Hz."""
        return self.modulation_order * self.code_rate_1024 / 1024.0


# Tables 5.2.2.1-2 and 5.2.2.1-3. The SNRs were read off published block error curves (Sionna's, code blocks of 2000 bits, the
# MCS of equal efficiency), interpolated to 0.1; extrapolated ones lie beyond the curves, at the mean gap to Shannon's limit.
CQI_64QAM: tuple[Quality, ...] = (
    Quality(1, 2, 78, -8.5, extrapolated=True),
    Quality(2, 2, 120, -6.5, extrapolated=True),
    Quality(3, 2, 193, -4.3, extrapolated=True),
    Quality(4, 2, 308, -2.45),
    Quality(5, 2, 449, 0.46),
    Quality(6, 2, 602, 2.33),
    Quality(7, 4, 378, 4.15),
    Quality(8, 4, 490, 5.95),
    Quality(9, 4, 616, 7.78),
    Quality(10, 6, 466, 9.74),
    Quality(11, 6, 567, 11.57),
    Quality(12, 6, 666, 13.37),
    Quality(13, 6, 772, 14.94),
    Quality(14, 6, 873, 17.02),
    Quality(15, 6, 948, 18.97),
)
CQI_256QAM: tuple[Quality, ...] = (
    Quality(1, 2, 78, -8.5, extrapolated=True),
    Quality(2, 2, 193, -4.3, extrapolated=True),
    Quality(3, 2, 449, 0.0),
    Quality(4, 4, 378, 3.65),
    Quality(5, 4, 490, 6.05),
    Quality(6, 4, 616, 7.86),
    Quality(7, 6, 466, 9.45),
    Quality(8, 6, 567, 11.05),
    Quality(9, 6, 666, 13.20),
    Quality(10, 6, 772, 15.53),
    Quality(11, 6, 873, 17.33),
    Quality(12, 8, 711, 18.87),
    Quality(13, 8, 797, 20.80),
    Quality(14, 8, 885, 22.94),
    Quality(15, 8, 948, 24.7, extrapolated=True),
)

# Tables 5.1.3.1-1 and 5.1.3.1-2: bits a symbol, and data bits in 1024 coded ones, by MCS index.
MCS_64QAM: tuple[tuple[int, float], ...] = (
    *((2, rate) for rate in (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)),
    *((4, rate) for rate in (340, 378, 434, 490, 553, 616, 658)),
    *((6, rate) for rate in (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)),
)
MCS_256QAM: tuple[tuple[int, float], ...] = (
    *((2, rate) for rate in (120, 193, 308, 449, 602)),
    *((4, rate) for rate in (378, 434, 490, 553, 616, 658)),
    *((6, rate) for rate in (466, 517, 567, 616, 666, 719, 772, 822, 873)),
    *((8, rate) for rate in (682.5, 711, 754, 797, 841, 885, 916.5, 948)),
)
