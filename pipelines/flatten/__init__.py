"""The TrainingJob record as tables: read off the service model, pure. Not here: files and AWS."""
