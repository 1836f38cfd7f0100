"""Benchmarks: ratios side by side, in one run, never a timed test. A module here with `run(scale)` is one benchmark."""
