"""Apache Superset: its dashboards over the warehouse, and an instance of its own that tries them out.

dashboards.py      what is shown: the two dashboards, and their charts
datasets.py        the marts behind them, and the metrics
charts.py          how a kind of chart is told to Superset
build.py           writes all of it as a bundle to import
requirements.lock  the Superset that it was tried with; `make superset` installs it in .venv-superset
instance.py        a fresh instance with the bundle in it; runs in .venv-superset
check.py           every chart, and that no query reads the server's files; runs in .venv-superset
pictures.py        the pictures of both dashboards in docs/images
"""
