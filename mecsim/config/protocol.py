"""The section ``protocol``: when rounds open and close."""

from typing import Literal

from pydantic import Field

from mecsim.config.base import Config

PROTOCOL_KINDS = {"sync": "synchronous rounds: a round closes when every device that was asked has answered or failed"}


class SyncProtocol(Config):
    """A round closes when every device that was asked has answered or failed."""

    kind: Literal["sync"] = Field(description=f"The kind of protocol: {PROTOCOL_KINDS['sync']}.")
    rounds: int = Field(ge=1, description="Number of rounds.")
    clients_per_round: int = Field(ge=1, description="Devices asked in a round, at most all of them.")
    evaluate_every: int = Field(default=1, ge=1, description="Rounds between two evaluations.")


# A discriminated union as soon as there is a second kind; pydantic refuses a union of one.
Protocol = SyncProtocol
