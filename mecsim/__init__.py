"""mecsim: federated fine-tuning at the mobile edge, simulated in time and energy, trained for real."""

__version__ = "0.1.0"
