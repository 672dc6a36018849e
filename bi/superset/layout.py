"""What a dashboard is: sections of rows of charts, twelve columns wide. Not here: which ones there are."""

from __future__ import annotations

from dataclasses import dataclass

from bi.superset.charts import Chart


@dataclass(frozen=True)
class Section:
    """Rows of charts under a heading, with a sentence on how to read them."""

    heading: str
    note: str
    rows: list[list[Chart]]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard, and for whom it is."""

    title: str
    slug: str
    reader: str
    sections: list[Section]

    @property
    def charts(self) -> list[Chart]:
        """Its charts, from top to bottom."""
        return [chart for section in self.sections for row in section.rows for chart in row]
