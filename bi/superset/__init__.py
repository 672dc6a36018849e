"""Apache Superset: dashboards over the warehouse, and a Superset that tries them out.

Here: what is shown, and how Superset is told. Not here: how to connect and import it (``docs/connecting.md``).

    fleet_health.py    the dashboard of whoever runs the platform
    cost_and_waste.py  the dashboard of FinOps
    datasets.py        the marts behind them, and the metrics
    charts.py          how a kind of chart is told to Superset
    layout.py          what a dashboard is
    build.py           writes all of it as a bundle to import
    requirements.lock  the Superset that it is tried with; `make superset` installs it in .venv-superset
    instance.py        a fresh instance with the bundle in it; runs in .venv-superset
    check.py           every chart, and that no query reads the server's files; runs in .venv-superset
    pictures.py        the pictures of both dashboards in docs/images
"""
