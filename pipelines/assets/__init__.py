"""The Dagster layer, thin: assets, checks, the job and its schedule. Not here: what any of them does."""
