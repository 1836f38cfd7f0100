"""Dagster, thin: assets, checks, the nightly job, its schedule, resources. What happens is in `hub.night`."""
