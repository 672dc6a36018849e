"""The error that a user can cause and mend. Not here: errors of the program itself, which keep their tracebacks."""


class TrainyardError(Exception):
    """Something the user can put right; its text is one line that says how."""
