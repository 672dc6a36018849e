-- One row per month of creation and distinct FailureReason of its failed jobs: its class (M16), and a fingerprint (M17)
-- that it shares with the reasons which differ from it only in numbers, names and places. Fingerprints of two versions
-- of the masking do not compare: the version is part of what is hashed.
-- @incremental
-- @unique: created_month, failure_reason
-- @check no_fingerprint_without_a_mask: masked_reason is not null and failure_fingerprint is not null

-- Each step masks what the one before has left. The message that the training toolkit quotes is what is to be told
-- apart, so its quote goes before quoted text does. A sign that is left before a mask is a hyphen as often as not.
with masked as (
    select
        month,
        failure_reason,
        priority,
        regexp_replace(told_reason, 'ErrorMessage "', 'ErrorMessage ', 'g') as without_message_quote,
        regexp_replace(without_message_quote, '\barn:[^\s"''”’»\\,)]+', '<arn>', 'g') as without_arns,
        regexp_replace(without_arns, '\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"''”’»\\<>)]*', '<uri>', 'g') as without_uris,
        -- Python tells texts with the letters that say of what kind they are, such as u'' and b''. An escaped quote is
        -- part of a text, or begins one within a text that began before; only where no other is left does it end one,
        -- as in "C:\". Quotes whose ends differ may span lines: others may be an inch, or an apostrophe.
        regexp_replace(
            without_uris,
            '(\B|\b[bfruBFRU]{1,2})(\\+"[^"\n]*\\"'
            || '|"[^"\\\n]*(\\[^\n][^"\\\n]*)*"|''[^''\\\n]*(\\[^\n][^''\\\n]*)*'''
            || '|"[^"\n]*"|''[^''\n]*'')\B'
            || '|`[^`\n]*`|“[^“”]*”|«[^«»]*»|‘[^’\n]*(’\b[^’\n]*)*’\B',
            '<quoted>',
            'g'
        ) as without_quoted,
        regexp_replace(
            without_quoted, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}', '<uuid>', 'g'
        ) as without_uuids,
        regexp_replace(
            without_uuids,
            '\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?(Z|[+-]\d{2}:?\d{2})?',
            '<time>',
            'g'
        ) as without_iso_times,
        -- The name of a month in a date begins with a capital letter, and a number follows it: no "may" does that.
        regexp_replace(
            without_iso_times,
            '\b((M(?i:on)|T(?i:ues?|hu(rs?)?)|W(?i:ed(nes)?)|F(?i:ri)|S(?i:un|at(ur)?))(?i:day)?,? +)?'
            || '(<time>|(\d{1,4}(st|nd|rd|th)?[ /-])?'
            || '(J(?i:an(uary)?|une?|uly?)|F(?i:eb(ruary)?)|M(?i:ar(ch)?|ay)|A(?i:pr(il)?|ug(ust)?)'
            || '|S(?i:ept?(ember)?)|O(?i:ct(ober)?)|N(?i:ov(ember)?)|D(?i:ec(ember)?))'
            || '[.,]?[ /-]+(\d{4}|\d{1,2}(st|nd|rd|th)?)\b(,? +\d{4}\b)?)'
            || '(((,| at)? +|[T:])\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm]\b)?)?'
            || '( (UTC|GMT|CES?T|[ECMP][SD]T)\b| ?[+-]\d{2}:?\d{2}\b)?( +\d{4}\b)?',
            '<time>',
            'g'
        ) as without_times,
        -- One of version 6 is told from times and names by a `::` or by its eight groups; a MAC address has six.
        regexp_replace(
            without_times,
            '\[[0-9a-fA-F:.]*::[0-9a-fA-F:.]*\](:\d+)?'
            || '|\b([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b'
            || '|\b([0-9a-fA-F]{1,4}:){1,6}(:[0-9a-fA-F]{1,4}){1,6}\b(%\w+)?'
            || '|\b([0-9a-fA-F]{1,4}:){1,7}:/\d{1,3}\b'
            || '|\B::([0-9a-fA-F]{1,4}:){0,6}(\d{1,3}(\.\d{1,3}){3}|[0-9a-fA-F]{1,4})\b'
            || '|\b([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\b'
            || '|\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b',
            '<ip>',
            'g'
        ) as without_ips,
        -- A time without a date, and without seconds or half of the day, has all its digits, as no 3:1 has. What is
        -- part of a version, as in 1.12:30, or follows a file is none.
        regexp_replace(
            without_ips,
            '(^|[^\w.:/-])(\d{1,2}:[0-5]\d(:[0-5]\d([.,]\d+)?(Z| ?[AaPp][Mm])?| ?[AaPp][Mm])|[0-5]\d:[0-5]\d)\b',
            '\1<time>',
            'g'
        ) as without_clocks,
        -- A path that does not begin with a slash is told from such words as and/or by a name with an extension.
        regexp_replace(
            without_clocks,
            '(\b[a-zA-Z]:[\\/]|\B/)[^\s"'',:;()<>]+|\b\w[\w.@-]*\b/[\w.@=+~%<>/-]*[\w>]\.[a-zA-Z][\w.@=+~%/-]*',
            '<path>',
            'g'
        ) as without_paths,
        -- A word of the letters a to f is no hexadecimal number: one has a digit, and is long or begins with a letter.
        regexp_replace(
            without_paths,
            '\d+([.,]\d+)+([eE][+-]?\d+)?|\b0x[0-9a-fA-F]+\b'
            || '|(\b|_)([0-9][0-9a-fA-F]{6,}|[a-fA-F]{1,3}[0-9][0-9a-fA-F]{3,}|[a-fA-F]{4,}[0-9][0-9a-fA-F]*)(\b|_)'
            || '|\d+([eE][+-]?\d+)?',
            '<number>',
            'g'
        ) as without_numbers,
        regexp_replace(without_numbers, '[+-]+<number>', '<number>', 'g') as without_signs,
        -- The same memory is told in MiB or GiB, as large as it happens to be.
        regexp_replace(without_signs, '(?i)<number> ?([kmgtp]i?b|bytes?)\b', '<number>', 'g') as without_units,
        -- One text of the service is met with several punctuations.
        trim(lower(regexp_replace(without_units, '[\s.,;:]+', ' ', 'g'))) as masked_reason,
        regexp_extract(failure_reason, '(?i)exit ?code\s*:?\s*(-?\d+)', 1) as exit_code
    from build.failure_rule_matches
),

-- SageMaker keeps 1,024 characters, so that where a text is cut depends on what was masked.
shortened as (
    select
        month,
        failure_reason,
        priority,
        exit_code,
        case when length(failure_reason) >= 1024 then left(masked_reason, 400) else masked_reason end as masked_reason
    from masked
)

select
    s.month as created_month, -- Month of creation of the jobs (UTC), `YYYY-MM`.
    s.failure_reason,
    coalesce(f.failure_class, 'unknown') as failure_class, -- Class by the first rule that matches, or `unknown`.
    f.actor as failure_actor, -- Who can mend it, by the same rule: user, platform or aws; null if no rule matches.
    s.masked_reason, -- The reason without what differs from job to job, in lower case.
    md5(
        'v6:' || s.exit_code || ':' || s.masked_reason
    ) as failure_fingerprint -- MD5 of masked_reason, the exit code and the masking's version.
from shortened as s
left join reference.failure_rules as f on s.priority = f.priority
