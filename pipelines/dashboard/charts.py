"""How each figure is drawn: Vega-Lite, by Altair, of rows that the page's script adds up for a selection.

Here: marks, axes and words. Not here: rows, and colours, which the page takes from its style in light and in dark.
"""

from __future__ import annotations

from typing import Any

import altair as alt

_HEIGHT = 190  # pixels
_BAR_HEIGHT = 22  # pixels from one bar to the next, where there is one for each row
# Of what is less than one, the prefix of thousandths, m, would be read as minutes or millions.
_SHORT = "format(datum.value, abs(datum.value) < 1 ? '~r' : '~s')"
_WHOLE = f"datum.value % 1 ? '' : {_SHORT}"
_DAY = "utchours(datum.value) || utcminutes(datum.value) ? '' : datum.label"

Chart = alt.Chart | alt.LayerChart


def charts() -> dict[str, dict[str, Any]]:
    """Each figure's specification by its name; its rows are the data ``rows``, and its width is its container's.

    Where ``usermeta`` has a ``barHeight`` the height is that of all rows.
    """
    figures: dict[str, Chart] = {
        "use": _periods().mark_rect().encode(y=_amount("amount_a_day", "hours a day")),
        "peaks": _between(_amount("low", "at once", labels=_WHOLE), _amount("high", "at once", labels=_WHOLE)),
        "costs": _periods().mark_rect().encode(y=_amount("cost_a_day", "list cost a day")),
        "statuses": _bars("secondary_status", "hours", "hours of jobs").encode(color=_legend("phase")),
        "failures": _rates(),
        "waits": _bars("class", "jobs", "jobs", sort=None, labels=_WHOLE),
        "waste": _bars("cause", "hours", "hours that brought nothing").encode(color=_legend("kind")),
        "goodput": _between(_share("low", "productive"), _share("high", "productive")),
        "spot": _periods().mark_rect().encode(y=_share("savings", "saved")),
    }
    return {name: _finished(chart) for name, chart in figures.items()}


def _rows() -> alt.Chart:
    return alt.Chart(alt.NamedData("rows"))


def _periods() -> alt.Chart:
    """Periods from nothing to an amount, each as wide as it is long."""
    chart: alt.Chart = _rows().encode(x=_time("from"), x2="to:T", y2=alt.datum(0), tooltip=_tips("label", "period"))
    return chart


def _between(low: alt.Y, high: alt.Y) -> alt.LayerChart:
    """What is at least, and paler up to what is at most."""
    at_most: alt.Chart = _periods().mark_rect(opacity=0.45).encode(y=high)
    at_least: alt.Chart = _periods().mark_rect().encode(y=low)
    return alt.LayerChart(layer=[at_most, at_least])


def _rates() -> alt.LayerChart:
    """Rates with their intervals, in the middle of their periods."""
    rates: alt.Chart = _rows().encode(x=_time("at", padding=8), tooltip=_tips("label", "period"))
    intervals: alt.Chart = rates.mark_rule(strokeWidth=3, opacity=0.55).encode(
        y=_share("low", "failure rate"), y2="high"
    )
    points: alt.Chart = rates.mark_point(filled=True, size=45, opacity=1).encode(y=_share("rate", "failure rate"))
    return alt.LayerChart(layer=[intervals, points])


def _bars(name: str, amount: str, title: str, sort: str | None = "-x", labels: str = _SHORT) -> alt.Chart:
    """A bar for each name, the longest first unless the rows' own order counts."""
    names = alt.Y(f"{name}:N", sort=sort, title=None, axis=alt.Axis(labelLimit=190))
    amounts = alt.X(f"{amount}:Q", title=title, axis=_amounts(labels), stack=None)
    chart: alt.Chart = _rows().mark_bar().encode(x=amounts, y=names, tooltip=_tips(name, "of"))
    return chart.properties(usermeta={"barHeight": _BAR_HEIGHT})


def _time(field: str, padding: int = 0) -> alt.X:
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc", padding=padding), title=None, axis=alt.Axis(labelExpr=_DAY))


def _amount(field: str, title: str, labels: str = _SHORT) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=_amounts(labels), stack=None)


def _amounts(labels: str) -> alt.Axis:
    return alt.Axis(labelExpr=labels, tickCount=4)


def _share(field: str, title: str) -> alt.Y:
    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format="~%", tickCount=4))


def _legend(field: str) -> alt.Color:
    return alt.Color(f"{field}:N", legend=alt.Legend(orient="top", title=None, columns=4, labelLimit=120))


def _tips(name: str, title: str) -> list[alt.Tooltip]:
    """What a mark stands for, and its figure as the page's script writes it."""
    return [alt.Tooltip(f"{name}:N", title=title), alt.Tooltip("told:N", title="is")]


def _finished(chart: Chart) -> dict[str, Any]:
    specification: dict[str, Any] = chart.properties(width="container", height=_HEIGHT).to_dict()
    del specification["config"]
    return specification
