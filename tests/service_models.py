"""Other service models than the installed one: written where botocore itself finds them, at ``AWS_DATA_PATH``."""

import json
import os
import subprocess
import sys

import botocore.session


def write_model(folder, change):
    """Write the installed model with a change to its shapes; return the environment that puts it in force."""
    loader = botocore.session.get_session().get_component("data_loader")
    model = loader.load_service_model("sagemaker", "service-2")
    change(model["shapes"])
    path = folder / "sagemaker" / loader.determine_latest_version("sagemaker", "service-2") / "service-2.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(model))
    return {"AWS_DATA_PATH": str(folder)}


def add_members(shapes):
    """A newer model: members of every kind, at the top and below, amid the others."""
    shapes["Co2"] = {
        "type": "structure",
        "members": {"Kilograms": {"shape": "Double"}, "MeasuredAt": {"shape": "Timestamp"}},
    }
    shapes["Helper"] = {"type": "structure", "members": {"Name": {"shape": "String"}, "Words": {"shape": "Words"}}}
    shapes["Helpers"] = {"type": "list", "member": {"shape": "Helper"}}
    shapes["Words"] = {"type": "list", "member": {"shape": "String"}}
    shapes["Labels"] = {"type": "map", "key": {"shape": "String"}, "value": {"shape": "Long"}}
    new = {"Co2": {"shape": "Co2"}, "Helpers": {"shape": "Helpers"}, "Labels": {"shape": "Labels"}}
    for job in ("TrainingJob", "DescribeTrainingJobResponse"):
        shapes[job]["members"] = new | shapes[job]["members"]
    shapes["Channel"]["members"]["Priority"] = {"shape": "Integer"}
    shapes["S3DataSource"]["members"]["Words"] = {"shape": "Words"}


def python(code, **environment):
    """What a piece of Python prints as JSON, in a process of its own."""
    run = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, check=True, capture_output=True, text=True
    )
    return json.loads(run.stdout)
