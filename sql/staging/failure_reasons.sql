-- One row per distinct FailureReason of failed jobs: its class, and a fingerprint that it shares with the reasons which
-- differ from it only in numbers, names and places. The fingerprints of two versions of the masking do not compare.
-- @unique: failure_reason

with reasons as (
    select distinct failure_reason
    from staging.training_jobs
    where training_job_status = 'Failed' and failure_reason is not null
),

classified as (
    select
        r.failure_reason,
        min_by(f.failure_class, f.priority) as failure_class,
        min_by(f.actor, f.priority) as failure_actor
    from reasons as r
    left join reference.failure_rules as f on regexp_matches(r.failure_reason, f.pattern)
    group by r.failure_reason
),

-- Each step masks what the one before has left. The command of a script is its hyperparameters; the message that the
-- training toolkit quotes is what is to be told apart, so its quote goes before quoted text does.
masked as (
    select
        failure_reason,
        failure_class,
        failure_actor,
        regexp_replace(failure_reason, '(?s)"?\s*\bCommand ".*', '', 'g') as without_command,
        regexp_replace(without_command, 'ErrorMessage "', 'ErrorMessage ', 'g') as without_message_quote,
        regexp_replace(without_message_quote, '\barn:[^\s"'',)]+', '<arn>', 'g') as without_arns,
        regexp_replace(without_arns, '\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"''<>)]*', '<uri>', 'g') as without_uris,
        regexp_replace(without_uris, '\B"[^"\n]*"\B|\B''[^''\n]*''\B|`[^`\n]*`', '<quoted>', 'g') as without_quoted,
        regexp_replace(
            without_quoted, '\b[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b', '<uuid>', 'g'
        ) as without_uuids,
        regexp_replace(
            without_uuids,
            '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?',
            '<time>',
            'g'
        ) as without_times,
        regexp_replace(without_times, '\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b', '<ip>', 'g') as without_ips,
        regexp_replace(without_ips, '\B/[^\s"'',:;()<>]+', '<path>', 'g') as without_paths,
        regexp_replace(
            without_paths,
            '\b0x[0-9a-fA-F]+\b|\b[0-9a-fA-F]{8,}\b|[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?',
            '<number>',
            'g'
        ) as without_numbers,
        -- One text of the service is met with several punctuations.
        trim(lower(regexp_replace(without_numbers, '[\s.,;:]+', ' ', 'g'))) as masked_reason,
        regexp_extract(failure_reason, '(?i)exit ?code\s*:?\s*(-?\d+)', 1) as exit_code
    from classified
),

-- SageMaker keeps 1,024 characters, so that where a text is cut depends on what was masked.
shortened as (
    select
        failure_reason,
        failure_class,
        failure_actor,
        exit_code,
        case when length(failure_reason) >= 1024 then left(masked_reason, 400) else masked_reason end as masked_reason
    from masked
)

select
    failure_reason,
    coalesce(failure_class, 'unknown') as failure_class, -- Class by the first rule that matches, or `unknown`.
    failure_actor, -- Who can mend it, by the same rule: user, platform or aws; null if no rule matches.
    masked_reason, -- The reason without what differs from job to job, in lower case.
    md5(
        'v1:' || exit_code || ':' || masked_reason
    ) as failure_fingerprint -- MD5 of it, the exit code and the masking's version.
from shortened
