"""A simulated SageMaker: a fleet of training jobs behind an HTTP endpoint that the real boto3 client speaks to.

Here: the fleet, the clock that moves its jobs through their statuses, the operations a harvest needs, and faults on
demand. It is for demonstrations, tests and benchmarks; nothing of it runs against AWS. Not here: harvesting.

One idea a module: ``fleet`` holds final documents, ``rewind`` says how one was at an instant, ``view`` is the fleet at
an instant, ``search`` the Search language, ``service``, ``cloudwatch`` and ``sts`` the operations, ``price_list`` and
``service_quotas`` those of two neighbours, ``paging`` pages, ``shapes`` the checks of requests, ``measurements`` what
CloudWatch measured, ``faults`` what goes wrong, ``server`` HTTP, ``made_fleet`` a fleet that nobody ran.
"""

from pipelines.simulator.faults import Fault
from pipelines.simulator.fleet import Fleet
from pipelines.simulator.server import Simulator

__all__ = ["Fault", "Fleet", "Simulator"]
