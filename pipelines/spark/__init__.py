"""The models on Apache Spark: the files of `sql/` as they are. Not here: what comes after a model is made."""
