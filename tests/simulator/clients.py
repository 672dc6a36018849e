"""boto3 clients of a simulator, with made-up credentials."""

import boto3
from botocore.config import Config

SESSION = boto3.session.Session()  # one, for it keeps the service models it has read
KEYS = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}


def client(simulator, service="sagemaker", region="eu-west-1", attempts=1, timeout_seconds=5, **options):
    """A client that tries a call ``attempts`` times, each so long; ``options``: other credentials."""
    config = Config(retries={"total_max_attempts": attempts, "mode": "standard"}, read_timeout=timeout_seconds)
    options = {**KEYS, **options}
    return SESSION.client(service, region_name=region, endpoint_url=simulator.url, config=config, **options)


def assumed(simulator, account, region="eu-west-1"):
    """A SageMaker client in a role of an account."""
    sts = client(simulator, "sts")
    role = f"arn:aws:iam::{account}:role/reader"
    given = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return client(
        simulator,
        region=region,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
