"""Reference data that AWS is asked for: prices and quotas, kept as dated rows beside the user's own.

`history` joins what is seen today to what is held, `fetch` asks each place at most once a day. Not here: what each
service is asked and what its answers mean (``price_list``, ``service_quotas``), nor the tables (``models.reference``).
"""
