"""The lake and the marts for engines that read by a Hive catalogue, as Athena and Trino, where they are in a bucket.

Here: the lists of the files in force (``links``), and the tables over these (``ddl``). Not here: which files those are.
"""
