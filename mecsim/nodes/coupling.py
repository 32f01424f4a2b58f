"""Interference by what cells really carry: worked out anew whenever one of them begins or ceases to send."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mecsim.nodes.attachment import Attachment

if TYPE_CHECKING:
    from mecsim.nodes.radio_network import RadioNetwork

Floats = NDArray[np.float64]


class Coupling:
    """Keeps a network's ``activity`` up to date, and tells the transfers under way when it changes.

    Downlink, a cell sends while its link is busy, with other people's traffic too, or a transfer waits in it for a rate. So
    what a cell does depends on beginnings and ends alone and never on rates: else three cells of which each silences the next
    would have no state to settle in. Uplink, a cell hears the transfers of other cells, in each of them one at a time and all
    alike often. What is cut off by an outage neither sends nor is heard. Places are those of each device's last sample when
    somebody began or ceased last.
    """

    def __init__(self, radio: "RadioNetwork") -> None:
        self._radio = radio
        self._riding: dict[Attachment, tuple[str, Callable[[], None]]] = {}
        self._is_busy = np.zeros(len(radio.cells), dtype=np.bool_)
        for number, cell in enumerate(radio.cells):
            cell.downlink.watchers.append(self._watcher(number))

    def ride(self, attachment: Attachment, direction: str, on_change: Callable[[], None]) -> None:
        """Count a transfer under way; ``on_change`` is called when its link may have changed."""
        self._riding[attachment] = (direction, on_change)
        self.reconsider()

    def step_off(self, attachment: Attachment) -> None:
        """Count it no more."""
        if self._riding.pop(attachment, None) is not None:
            self.reconsider()

    def reconsider(self) -> None:
        """Work out who sends now, and if that is not as before, tell everybody under way."""
        activity = self._radio.activity
        downlink, uplink_dbm = self._downlink(), self._uplink_dbm()
        if np.array_equal(downlink, activity.downlink) and np.array_equal(uplink_dbm, activity.uplink_dbm):
            return
        activity.downlink[:], activity.uplink_dbm[:] = downlink, uplink_dbm
        self._radio.n_changes += 1
        for _, on_change in list(self._riding.values()):
            on_change()

    def _watcher(self, number: int) -> Callable[[bool], None]:
        def changed(busy: bool) -> None:
            self._is_busy[number] = busy
            self.reconsider()

        return changed

    def _in_cells(self, direction: str) -> dict[int, list[Attachment]]:
        """Return the transfers of a direction that are not cut off, by cell."""
        found: dict[int, list[Attachment]] = {}
        for attachment, (one, _) in self._riding.items():
            if one == direction and not self._radio.is_cut_off(attachment.device, attachment.cell):
                found.setdefault(attachment.cell, []).append(attachment)
        return found

    def _downlink(self) -> Floats:
        sends = self._is_busy.astype(np.float64)
        sends[list(self._in_cells("downlink"))] = 1.0
        return sends

    def _uplink_dbm(self) -> Floats:
        heard_mw = np.zeros(len(self._radio.cells))
        for cell, attachments in self._in_cells("uplink").items():
            for attachment in attachments:
                reception = attachment.reception
                own = np.flatnonzero(reception.cells[0] == cell)
                if not len(own):
                    continue
                sent_dbm = self._radio.budget.sent_to_dbm(cell, reception.gain_db[0, own], attachment.power_db)
                heard = 10.0 ** ((sent_dbm + reception.gain_db[0]) / 10.0) / len(attachments)
                heard[own] = 0.0
                np.add.at(heard_mw, reception.cells[0], heard)
        with np.errstate(divide="ignore"):
            return np.asarray(10.0 * np.log10(heard_mw))
