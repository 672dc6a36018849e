"""From AWS, or from files, to the raw archive.

Here: everything that speaks to AWS, and the archive of documents as they were received. Not here: tables, or what the
members of a document mean beyond what paging needs.
"""
