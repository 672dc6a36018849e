"""Benchmarks: what a step costs beside other ways to the same result, in one run on one machine.

A module here is one benchmark: `python -m benchmarks.flatten`, or `make benchmark-flatten`, which first installs what
is compared with. Here: what is measured, side by side, and what it should come to. Not here: whether the results are
right; the tests say that.

    documents.py   the documents that are measured with, made once
    measure.py     measuring child processes, ratios, targets, the table and the results as JSON
    flatten.py     documents to tables: Trainyard beside dlt, pandas, polars, DuckDB alone, and the least work possible
    lakes.py       lakes of up to millions of jobs, made once
    builds.py      models and publishing, by how many jobs there are
    questions.py   five questions of the lake's files, beside polars and pandas
    pages.py       a Search page to documents: Trainyard's hook beside boto3's own parser
    footprint.py   bytes of a job in each layer, what a file, an account and a run cost
    capacity.py    what a fleet takes, by what was measured, and the limits it is held against
    plan.py        the page that tells it, `docs/capacity.md`
    calls.py       calls and jobs a second of a harvest, beside listing all jobs and asking about each
"""
