"""Why jobs failed or were stopped: classes, fingerprints, and marts that count them. What that cost is in waste.py."""

import csv
import re
from functools import cache
from hashlib import md5
from pathlib import Path

from tests.oracle.fleet import with_shares_of_hours
from tests.oracle.intervals import DAY, month_of, timestamp
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, proportion

RULES = Path(__file__).parents[2] / "reference" / "failure_rules.csv"

# What is masked, in this order; the version of the masking is 6.
HEXADECIMAL = r"(?:[0-9][0-9a-f]{6,}|[a-f]{1,3}[0-9][0-9a-f]{3,}|[a-f]{4,}[0-9][0-9a-f]*)"
IPV4 = r"\d{1,3}(?:\.\d{1,3}){3}"
GROUP = "[0-9A-Fa-f]{1,4}"
IPV6 = "|".join(
    [
        r"\[[0-9A-Fa-f:.]*::[0-9A-Fa-f:.]*\](?::\d+)?",
        rf"\b(?:{GROUP}:){{7}}{GROUP}\b",
        rf"\b(?:{GROUP}:){{1,6}}(?::{GROUP}){{1,6}}\b(?:%\w+)?",
        rf"\b(?:{GROUP}:){{1,7}}:/\d{{1,3}}\b",
        rf"\B::(?:{GROUP}:){{0,6}}(?:{IPV4}|{GROUP})\b",
    ]
)
MAC = r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b"
# Quotes that begin and end alike stay on their line; those in them, and those of a text that began before, are escaped.
ALIKE = [rf"{quote}(?:\\[^\n]|[^\\\n{quote}])*{quote}" for quote in "\"'"]
ALIKE += [rf"{quote}[^\n{quote}]*{quote}" for quote in "\"'"]
LETTERS = r"(?:\B|\b(?i:[bfru]{1,2}))"
QUOTED = rf"{LETTERS}(?:\\+\"[^\"\n]*\\\"|{'|'.join(ALIKE)})\B|`[^`\n]*`|“[^“”]*”|«[^«»]*»|‘(?:[^’\n]|’(?=\w))*’(?!\w)"
# A date with names has a month, capitalised, with a number after it; a weekday may also stand before an ISO date.
WEEKDAYS = ["Mon", "Monday", "Tue", "Tues", "Tuesday", "Wed", "Wednesday", "Thu", "Thur", "Thurs", "Thursday"]
WEEKDAYS += ["Fri", "Friday", "Sat", "Saturday", "Sun", "Sunday"]
MONTHS = ["Jan", "January", "Feb", "February", "Mar", "March", "Apr", "April", "May", "Jun", "June", "Jul", "July"]
MONTHS += ["Aug", "August", "Sep", "Sept", "September", "Oct", "October", "Nov", "November", "Dec", "December"]
WEEKDAY, MONTH = ("(?:" + "|".join(f"{name[0]}(?i:{name[1:]})" for name in names) + ")" for names in (WEEKDAYS, MONTHS))
ORDINAL = "(?:st|nd|rd|th)?"
CLOCK = r"(?:(?:,| at)? +|[T:])\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?[AaPp][Mm]\b)?"
ZONE = r" (?:UTC|GMT|CET|CEST|EST|EDT|CST|CDT|MST|MDT|PST|PDT)\b| ?[+-]\d\d:?\d\d\b"
NAMED_DATE = (
    rf"\b(?:{WEEKDAY},? +)?"
    rf"(?:<time>|(?:\d{{1,4}}{ORDINAL}[ /-])?{MONTH}[.,]?[ /-]+(?:\d{{4}}|\d\d?{ORDINAL})\b(?:,? +\d{{4}}\b)?)"
    rf"(?:{CLOCK})?(?:{ZONE})?(?: +\d{{4}}\b)?"
)
# Of the time alone: with seconds or half of the day the hour may have one digit.
DAYTIME = r"(?<![\w.:/-])(?:\d\d?:M:M(?:[.,]\d+)?(?: ?H|Z)?|\d\d?:M ?H|M:M)\b".replace("M", "[0-5][0-9]")
DAYTIME = DAYTIME.replace("H", "[APap][Mm]")
SEGMENT = r"[\w.@=+~%/-]"
MASKS = [
    (r'ErrorMessage "', "ErrorMessage "),
    (r"\barn:[^\s\"'”’»\\,)]+", "<arn>"),
    (r"\b[A-Za-z][A-Za-z0-9+.-]*://[^\s\"'”’»\\<>)]*", "<uri>"),
    (QUOTED, "<quoted>"),
    (r"(?i)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "<uuid>"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?", "<time>"),
    (NAMED_DATE, "<time>"),
    (rf"{IPV6}|{MAC}|\b{IPV4}(?::\d+)?\b", "<ip>"),
    (DAYTIME, "<time>"),
    (
        rf"(?:\b[A-Za-z]:[/\\]|\B/)[^\s\"',:;()<>]+|\b\w[\w.@-]*\b/(?:{SEGMENT}|[<>])*[\w>]\.[A-Za-z]{SEGMENT}*",
        "<path>",
    ),
    (
        r"(?i)\d+(?:[.,]\d+)+(?:e[+-]?\d+)?|\b0x[0-9a-f]+\b|(?:\b|_)" + HEXADECIMAL + r"(?:\b|_)|\d+(?:e[+-]?\d+)?",
        "<number>",
    ),
    (r"[+-]+<number>", "<number>"),
    (r"(?i)<number> ?(?:[kmgtp]i?b|bytes?)\b", "<number>"),
    (r"[\s.,;:]+", " "),
]


@cache
def rules():
    """(pattern, class, actor), the first to try first."""
    with RULES.open(newline="", encoding="utf-8") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["priority"]))
    return [(re.compile(row["pattern"], re.ASCII), row["failure_class"], row["actor"]) for row in rows]


def reason_of(job):
    return (job.document.get("FailureReason") or None) if job.status == "Failed" else None


@cache
def judged(reason):
    """(class, actor) of a FailureReason, None for none."""
    told = without_command(reason or "")
    return next(
        ((failure_class, actor) for pattern, failure_class, actor in rules() if pattern.search(told)),
        ("unknown", None),
    )


def without_command(reason):
    return re.sub(r"\bCommand (?:\"[^\"]*(?:\"|\Z)|'\[.*?\]')", "", reason)


def masked(reason):
    text = without_command(reason)
    for pattern, mask in MASKS:
        text = re.sub(pattern, mask, text, flags=re.ASCII)
    text = text.lower().strip(" ")
    return text[:400] if len(reason) >= 1024 else text


def fingerprint(reason):
    exit_code = re.search(r"(?i)exit ?code\s*:?\s*(-?\d+)", reason)
    return md5(f"v6:{exit_code[1] if exit_code else ''}:{masked(reason)}".encode()).hexdigest()


def stop_cause(job):
    limits = {"MaxRuntimeExceeded": "max_runtime_exceeded", "MaxWaitTimeExceeded": "max_wait_time_exceeded"}
    otherwise = "tuning_early_stop" if job.document.get("TuningJobArn") else "user_or_api"
    return limits.get(job.document.get("SecondaryStatus"), otherwise)


def stop_causes(jobs):
    stopped = [job for job in jobs if job.status == "Stopped"]
    return [
        {
            **alike[0].dimensions,
            "stop_cause": cause,
            "jobs": len(of_cause),
            "stopped_jobs": len(alike),
            **proportion("job_share", len(of_cause), len(alike)),
            "is_small_sample": len(alike) < 20,
            "never_started_jobs": sum(job.is_never_started for job in of_cause),
            **used(of_cause),
        }
        for alike in grouped(stopped, lambda job: tuple(job.dimensions.values())).values()
        for cause, of_cause in grouped(alike, stop_cause).items()
    ]


def failure_classes(jobs):
    failed = [job for job in jobs if job.status == "Failed"]
    classes = {("unknown", None): []} | grouped(failed, lambda job: judged(reason_of(job)))
    rows = []
    for (failure_class, actor), alike in classes.items():
        row = {"failure_class": failure_class, "failure_actor": actor, "jobs": len(alike), **used(alike)}
        if failure_class == "unknown":
            row["instance_hours"] = row["instance_hours"] or 0
            row["gpu_hours"] = row["gpu_hours"] if row["instance_hours"] else 0
        rows.append(row | proportion("job_share", len(alike), len(failed)))
        rows[-1] |= {"failed_jobs": len(failed), "is_small_sample": len(failed) < 20}
    return with_shares_of_hours(rows)


def failure_classes_monthly(jobs):
    failed = [job for job in jobs if job.status == "Failed"]
    return [
        {
            "date": month,
            **alike[0].dimensions,
            "failure_class": failure_class,
            "failure_actor": actor,
            "jobs": len(of_class),
            "failed_jobs": len(alike),
            **proportion("job_share", len(of_class), len(alike)),
            "is_small_sample": len(alike) < 20,
            **used(of_class),
        }
        for (month, *_), alike in grouped(
            failed, lambda job: (month_of(job.life_end), *job.dimensions.values())
        ).items()
        for (failure_class, actor), of_class in grouped(alike, lambda job: judged(reason_of(job))).items()
    ]


def failure_fingerprints(jobs):
    as_of = max((job.observed for job in jobs), default=None)
    failed = [job for job in jobs if reason_of(job)]
    rows = []
    for (failure_fingerprint, failure_class), alike in grouped(
        failed, lambda job: (fingerprint(reason_of(job)), judged(reason_of(job))[0])
    ).items():
        last = max(alike, key=lambda job: (job.life_end, job.document["TrainingJobArn"]))
        ages = [as_of - job.life_end for job in alike]

        def within(first, last, ages=ages):
            # What ended after it was seen, by clocks that differ, is of the last days.
            return sum(first * DAY <= max(age, 0) < last * DAY for age in ages)

        rows.append(
            {
                "failure_fingerprint": failure_fingerprint,
                "failure_class": failure_class,
                "failure_actor": judged(reason_of(last))[1],
                "masked_reason": masked(reason_of(last)),
                "last_failure_reason": reason_of(last),
                "last_training_job_arn": last.document["TrainingJobArn"],
                "first_seen_at": timestamp(min(job.life_end for job in alike)),
                "last_seen_at": timestamp(last.life_end),
                "jobs": len(alike),
                "accounts": len({job.account_id for job in alike}),
                "roles": len({job.document["RoleArn"] for job in alike if job.document.get("RoleArn")}),
                "instance_types": ", ".join(sorted({job.instance_type for job in alike})),
                **used(alike),
                "jobs_last_7_days": within(0, 7),
                "jobs_previous_7_days": within(7, 14),
                "jobs_last_28_days": within(0, 28),
                "jobs_previous_28_days": within(28, 56),
            }
        )
    return rows
