"""Small documents for the simulator's tests."""

T0 = 1_700_000_000


def job(name, created=T0, account="111122223333", region="eu-west-1", **members):
    """A final document: by default a job that ran for a minute and completed."""
    started, ended = created + 10, created + 70
    return {
        "TrainingJobName": name,
        "TrainingJobArn": f"arn:aws:sagemaker:{region}:{account}:training-job/{name}",
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
        "CreationTime": created,
        "TrainingStartTime": started,
        "TrainingEndTime": ended,
        "LastModifiedTime": ended,
        "SecondaryStatusTransitions": [
            {"Status": "Starting", "StartTime": created, "EndTime": started, "StatusMessage": "Preparing"},
            {"Status": "Training", "StartTime": started, "EndTime": ended, "StatusMessage": "Training"},
            {"Status": "Completed", "StartTime": ended, "EndTime": ended, "StatusMessage": "Done"},
        ],
        "TrainingTimeInSeconds": 60,
        "BillableTimeInSeconds": 60,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/model.tar.gz"},
        **members,
    }
