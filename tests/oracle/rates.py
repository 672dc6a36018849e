"""The marts of how jobs ended: failure rates and the shares of final statuses."""

from tests.oracle.fleet import with_shares_of_hours
from tests.oracle.intervals import day_of, month_of
from tests.oracle.jobs import used
from tests.oracle.statistics import grouped, proportion, share


def failure_rates(jobs):
    return [_rates_of_the_same(jobs, [job for job in jobs if job.is_ended])]


def failure_rates_daily(jobs):
    return _rates_by(day_of, jobs)


def failure_rates_monthly(jobs):
    return _rates_by(month_of, jobs)


def failure_rates_by_cohort(jobs):
    rows = []
    for (month, *_), cohort in grouped(jobs, lambda job: (month_of(job.created), *job.dimensions.values())).items():
        ended = [job for job in cohort if job.is_ended]
        rows.append(
            {"date": month, **cohort[0].dimensions, "open_jobs": len(cohort) - len(ended)}
            | _rates_of_the_same(cohort, ended)
        )
    return rows


def _rates_by(bucket, jobs):
    def key(date, job):
        return date, *job.dimensions.values()

    submitted = grouped(jobs, lambda job: key(bucket(job.created), job))
    ended = grouped([job for job in jobs if job.is_ended], lambda job: key(bucket(job.life_end), job))
    rows = []
    for each in submitted.keys() | ended.keys():
        some = submitted.get(each, []), ended.get(each, [])
        rows.append({"date": each[0], **(some[0] or some[1])[0].dimensions, **_rates(*some)})
    return rows


def _rates_of_the_same(submitted, ended):
    """Those that ended are of those that were submitted: a share of them has an interval."""
    rates = _rates(submitted, ended)
    return rates | proportion("failure_rate_all", rates["failed_jobs"], len(submitted))


def _rates(submitted, ended):
    completed, failed, stopped = (
        [job for job in ended if job.status == status] for status in ("Completed", "Failed", "Stopped")
    )
    started = [job for job in ended if job.is_started]
    failed_and_started = [job for job in failed if job.is_started]
    return {
        "submitted_jobs": len(submitted),
        "completed_jobs": len(completed),
        "failed_jobs": len(failed),
        "stopped_jobs": len(stopped),
        "started_and_ended_jobs": len(started),
        "started_and_failed_jobs": len(failed_and_started),
        **proportion("failure_rate", len(failed_and_started), len(started)),
        **proportion("failure_rate_strict", len(failed), len(completed) + len(failed)),
        "failure_rate_all": share(len(failed), len(submitted)),
        "is_small_sample": len(started) < 20,
        "is_small_sample_strict": len(completed) + len(failed) < 20,
    }


def final_status_shares(jobs):
    ended = [job for job in jobs if job.is_ended]
    started = sum(job.is_started for job in ended)
    rows = []
    for status, alike in grouped(ended, lambda job: job.status).items():
        rows.append(
            {
                "training_job_status": status,
                "jobs": len(alike),
                "ended_jobs": len(ended),
                **proportion("job_share", len(alike), len(ended)),
                "started_jobs": sum(job.is_started for job in alike),
                "started_and_ended_jobs": started,
                **proportion("started_job_share", sum(job.is_started for job in alike), started),
                **used(alike),
                "is_small_sample": len(ended) < 20,
            }
        )
    return with_shares_of_hours(rows)
