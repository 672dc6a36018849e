"""The catalogue of metrics: each has its words, its marts and an example, and the page tells all of it."""

import re
from dataclasses import fields

import pytest

from pipelines.metrics import (
    PAGE,
    Metric,
    formula_names,
    metric_catalogue,
    metric_ids,
    read_examples,
    read_marts,
    read_metrics,
)
from pipelines.models.catalogue import load_catalogue
from pipelines.shipped import shipped

METRICS = read_metrics()
# What a formula may name besides the columns of its metric's marts.
FACTS = ("marts.fct_training_jobs", "marts.fct_secondary_status_visits")
# Marts of no metric alone: the jobs that all are counted from, the days, and a check that marts agree.
WITHOUT_METRIC = {"fct_training_jobs", "calendar", "reconciled_totals"}


@pytest.fixture(scope="module")
def marts():
    return read_marts()


@pytest.fixture(scope="module")
def facts():
    tables = load_catalogue(shipped("sql")).tables
    return [tables[name] for name in FACTS]


def test_the_committed_page_is_what_would_be_written():
    assert PAGE.read_text("utf-8") == metric_catalogue(), "`make docs` writes it anew"


def test_the_metrics_are_those_of_the_catalogue_in_order():
    assert [metric.id for metric in METRICS] == [f"M{number:02}" for number in range(1, 37)]


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_a_metric_has_all_its_words(metric):
    assert [field.name for field in fields(Metric) if not getattr(metric, field.name)] == []


def test_every_mart_is_of_a_metric(marts):
    assert {mart.name for mart in marts if not metric_ids(mart.comment)} <= WITHOUT_METRIC


def test_every_metric_has_a_mart_and_an_example(marts):
    known = {metric.id for metric in METRICS}
    of_marts = set().union(*(metric_ids(mart.comment) for mart in marts))
    assert of_marts == known
    assert set().union(*(example.metrics for example in read_examples())) == known


@pytest.mark.parametrize("example", read_examples(), ids=lambda example: example.path.stem)
def test_an_example_asks_a_question_and_names_its_metrics(example):
    question, metrics = example.path.read_text("utf-8").splitlines()[:2]
    assert question == f"-- {example.question}"
    assert example.question.endswith("?")
    assert re.fullmatch(r"-- Metrics? M\d\d(, M\d\d)*\.", metrics)


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_a_formula_names_columns_that_are_there(metric, marts, facts):
    read = [*facts, *(mart for mart in marts if metric.id in metric_ids(mart.comment))]
    columns = {column.name for table in read for column in table.columns}
    assert [name for name in formula_names(metric.formula) if "_" in name and name not in columns] == []


def test_what_is_quoted_in_a_formula_is_no_name_but_what_stands_between_apostrophes_is():
    assert formula_names("x = 'a_b' if a job's c_d is its owner's e_f") == ("x", "c_d", "e_f")


def test_every_figure_of_a_metrics_mart_has_its_formula(marts):
    """Of those that are computed: what a count counts is in its comment, and ends of intervals are of their figure."""
    named = {metric.id: set(formula_names(metric.formula)) for metric in METRICS}
    for mart in marts:
        of_mart = set().union(*(named[metric] for metric in metric_ids(mart.comment)))
        columns = {column.name for column in mart.columns}
        if of_mart:
            figures = {column.name for column in mart.columns if column.type == "DOUBLE"}
            ends = {name for name in figures if re.sub("_(low|high)$", "", name) in columns - {name}}
            assert (mart.name, figures - ends - of_mart) == (mart.name, set())


def test_links_lead_somewhere():
    text = PAGE.read_text("utf-8")
    headings = re.findall(r"^##+ (.+)$", text, flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert [link for link in links if link.startswith("#") and link[1:] not in anchors] == []
    assert [link for link in links if not link.startswith("#") and not (PAGE.parent / link).exists()] == []
