"""Traces that users bring: measured links, movement, availability, devices."""
