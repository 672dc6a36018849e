"""A data directory in a bucket: the bucket's objects are the truth, a folder on this machine is their working copy.

Here: requests to the bucket (``objects``), the one writer among all machines (``lease``), the working copy
(``mirror``), and removing what is old (``prune``). Not here: what the files hold. All else works on the working copy as
on any data directory; what it writes through ``files`` goes to the bucket first.
"""
