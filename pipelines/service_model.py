"""The installed botocore's service model of SageMaker. Here: loading it. Not here: what is read off it."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore.loaders import Loader, create_loader
from botocore.model import ServiceModel


@cache
def loader() -> Loader:
    """What reads botocore's data, once for all sessions; data at ``AWS_DATA_PATH`` goes before botocore's own.

    Made without a session of AWS, which a profile that is not there or a file that cannot be read would forbid.
    """
    made: Loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    return made


@cache
def service_model() -> Any:
    """The model."""
    return ServiceModel(loader().load_service_model("sagemaker", "service-2"), "sagemaker")
