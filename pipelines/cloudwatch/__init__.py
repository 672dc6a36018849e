"""What CloudWatch measured of training jobs: how hard their hardware worked, and what their algorithms reported.

Here: which points are not held yet, asking for them, and keeping them: CloudWatch forgets. Not here: the client, its
limits and its retries (``harvest``), and what the points mean (`sql/`).
"""
