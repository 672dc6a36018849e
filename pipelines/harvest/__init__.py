"""From AWS, or from files, to the raw archive.

Here: what speaks to SageMaker, by which way and limits to AWS at all, and the archive of documents as they were
received. Not here: tables, what the members of a document mean beyond what paging needs, and what else AWS is asked for
(``cloudwatch``, ``fetched``, ``bucket``).
"""
