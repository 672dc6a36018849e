"""DuckDB's SQL, as the files of `sql/` write it, in Spark's: sqlglot translates, and where that would say something
else, or nothing that Spark takes, a rule here does.

Here: one rule for each such thing. Not here: the session that it is said to (``engine``), in which the time zone is UTC
and a timestamp has none.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import ErrorLevel, exp, parse_one

# Unicode's space separators: what DuckDB's `trim` removes.
_SPACES = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
# RE2's classes and assertions in Java's words: outside of brackets, and within.
_WORD = "[0-9A-Za-z_]"
_BOUNDARY = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_NO_BOUNDARY = rf"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_OUTSIDE = {r"\b": _BOUNDARY, r"\B": _NO_BOUNDARY, r"\s": r"[\t\n\f\r ]", "$": r"\z", ".": r"[^\n]", "(?i)": "(?iu)"}
_WITHIN = {r"\s": r"\t\n\f\r "}
_PART = re.compile(r"(?P<brackets>\[\^?\]?(?:\\.|[^\]\\])*\])|\\.|\(\?i\)|.", re.DOTALL)


def in_spark(sql: str) -> str:
    """A SELECT, or an expression, in Spark's dialect; a relation ``schema.name`` is the view ``schema__name`` there."""
    tree = parse_one(sql, read="duckdb")
    # The inner before the outer: a rule takes what is below its node as it is.
    for node in reversed(list(tree.walk())):
        if rule := _RULES.get(type(node)):
            node.replace(rule(node))
    written: str = tree.sql("spark", comments=False, unsupported_level=ErrorLevel.RAISE)
    return written


def view_name(relation: str) -> str:
    """The view that stands for a relation: Spark's temporary views are in no schema."""
    return relation.replace(".", "__")


def _table(table: exp.Table) -> exp.Expr:
    """Keep the table's name for its columns, whatever the view is called."""
    if not table.db:
        return table
    return exp.to_table(view_name(f"{table.db}.{table.name}"), alias=table.alias or table.name)


def _division(division: exp.Div) -> exp.Expr:
    """DuckDB divides DOUBLEs; Spark divides decimals as decimals, with as many digits as its rules leave."""
    for side in ("this", "expression"):
        division.set(side, exp.cast(division.args[side], "double"))
    return division


def _cast(cast: exp.Cast) -> exp.Expr:
    """DuckDB sums BIGINTs in 128 bits, Spark in 64: where the sum is to be a decimal, so are its terms."""
    if cast.is_type("decimal(38, 0)"):
        for total in cast.find_all(exp.Sum):
            total.set("this", exp.cast(total.this, "decimal(38, 0)"))
    return cast


def _truncation(truncation: exp.DateTrunc | exp.TimestampTrunc) -> exp.Expr:
    """Spark's `date_trunc` gives a timestamp with a zone."""
    unit = exp.Literal.string(truncation.args["unit"].name)
    return exp.cast(exp.Anonymous(this="date_trunc", expressions=[unit, truncation.this]), "timestampntz")


def _function(function: exp.Anonymous) -> exp.Expr:
    """`epoch_us` goes by another name, and takes a timestamp with a zone."""
    if function.name.lower() != "epoch_us":
        return function
    (instant,) = function.expressions
    return exp.Anonymous(this="unix_micros", expressions=[exp.cast(instant, "timestampltz")])


def _series(series: exp.GenerateSeries) -> exp.Expr:
    """From what is later to what is earlier DuckDB counts nothing; Spark counts down, or refuses to."""
    start, end = series.args["start"], series.args["end"]
    return exp.Case().when(exp.LTE(this=start.copy(), expression=end.copy()), series.copy())


def _utc_time(time: exp.UtcTime) -> exp.Expr:
    """It is the models' own function (``functions``), not the one that other engines have by that name."""
    return exp.Anonymous(this="utc_time", expressions=[time.this])


def _weekday(weekday: exp.DayOfWeekIso) -> exp.Expr:
    """sqlglot makes Sunday the second day of the week."""
    from_0 = exp.Anonymous(this="weekday", expressions=[weekday.this])
    return exp.paren(exp.Add(this=from_0, expression=exp.Literal.number(1)))


def _joined(texts: exp.GroupConcat) -> exp.Expr:
    """Spark's `listagg` of distinct texts fails beside another distinct aggregate."""
    distinct = texts.find(exp.Distinct)
    if not distinct:
        return texts
    collected = exp.Anonymous(this="collect_set", expressions=distinct.expressions)
    in_order = exp.Anonymous(this="sort_array", expressions=[collected])
    return exp.Anonymous(this="array_join", expressions=[in_order, texts.args["separator"]])


def _quantiles(quantiles: exp.PercentileCont) -> exp.Expr:
    """Spark's `percentile_cont` is another function; this one takes several shares, and interpolates as DuckDB does."""
    return exp.Anonymous(this="percentile", expressions=[quantiles.this, quantiles.expression])


def _regular_expression(function: exp.RegexpReplace | exp.RegexpExtract) -> exp.Expr:
    """RE2's patterns in Java's words, to which letters are not ASCII alone, and lines end in several ways."""
    for text in function.expression.find_all(exp.Literal):
        text.set("this", _java_pattern(text.this))
    if replacement := function.args.get("replacement"):
        for text in replacement.find_all(exp.Literal):
            text.set("this", _java_replacement(text.this))
    return function


def _java_pattern(pattern: str) -> str:
    def said(part: re.Match[str]) -> str:
        if part["brackets"]:
            return re.sub(r"\\.", lambda escape: _WITHIN.get(escape[0], escape[0]), part[0])
        return _OUTSIDE.get(part[0], part[0])

    return _PART.sub(said, pattern)


def _java_replacement(replacement: str) -> str:
    """What a group has matched goes by a dollar and the group's number."""
    return re.sub(r"\\(\d)", r"$\1", replacement)


def _trim(trim: exp.Trim) -> exp.Expr:
    """DuckDB's `trim` removes every kind of space, Spark's one."""
    return exp.Trim(this=trim.this, expression=exp.Literal.string(_SPACES), position="BOTH")


def _lower(lower: exp.Lower) -> exp.Expr:
    """Java's lower case of two letters is not one letter always the same."""
    plain = [lower.this, exp.Literal.string("Σİ"), exp.Literal.string("σi")]
    return exp.Lower(this=exp.Anonymous(this="translate", expressions=plain))


_RULES: dict[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Table: _table,
    exp.Div: _division,
    exp.Cast: _cast,
    exp.DateTrunc: _truncation,
    exp.TimestampTrunc: _truncation,
    exp.Anonymous: _function,
    exp.GenerateSeries: _series,
    exp.UtcTime: _utc_time,
    exp.DayOfWeekIso: _weekday,
    exp.GroupConcat: _joined,
    exp.PercentileCont: _quantiles,
    exp.RegexpReplace: _regular_expression,
    exp.RegexpExtract: _regular_expression,
    exp.Trim: _trim,
    exp.Lower: _lower,
}
