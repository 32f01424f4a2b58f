"""Benchmarks: speed as ratios between two ways run side by side, and the figures that the documentation quotes."""
