"""The tags of a job through ``ListTags``, which only Search tells without asking. Not here: what they mean."""

from __future__ import annotations

import msgspec
from botocore.exceptions import ClientError

from pipelines.harvest.calls import Calls, decoded, is_not_found


class _Body(msgspec.Struct):
    Tags: list[msgspec.Raw] | None = None


_BODY = msgspec.json.Decoder(_Body)


def list_tags(calls: Calls, arn: str) -> bytes | None:
    """A job's tags, as JSON, in the shape that Search gives them; None where there is no such job any more."""
    answers = calls.pages("ListTags", ResourceArn=arn, MaxResults=100)
    try:
        pages = (decoded(_BODY, answer.body, "ListTags") for answer in answers)
        return msgspec.json.encode([tag for page in pages for tag in page.Tags or ()])
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
