"""The lake: typed Parquet, the newest version of each job, under one manifest. Not here: AWS, and the marts."""
