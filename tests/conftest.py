"""How long property tests run: shortly, or with ``--hypothesis-profile=nightly`` (``make nightly``) at length."""

from hypothesis import HealthCheck, settings

_any_size = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
settings.register_profile("default", max_examples=15, **_any_size)
settings.register_profile("nightly", max_examples=1000, **_any_size)
settings.load_profile("default")
