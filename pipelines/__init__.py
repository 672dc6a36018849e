"""Trainyard: an analytics warehouse for Amazon SageMaker training jobs."""
