"""The models: `sql/` files parsed, bound, run, checked and published. Not here: Dagster, and what the SQL says."""
