"""The installed botocore's service model of SageMaker. Here: loading it. Not here: what is read off it."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from botocore.loaders import create_loader
from botocore.model import ServiceModel


@cache
def service_model() -> Any:
    """The model; one at ``AWS_DATA_PATH`` goes before botocore's own.

    Read without a session of AWS, which a profile that is not there or a file that cannot be read would forbid.
    """
    loader = create_loader(os.environ.get("AWS_DATA_PATH"))
    return ServiceModel(loader.load_service_model("sagemaker", "service-2"), "sagemaker")
