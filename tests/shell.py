"""Lines of a shell, as documentation shows them: which commands they call, and whether these may be called so.

Not here: where such lines stand.
"""

import shlex

import typer

from pipelines.cli import app

ENDS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "(", ")"}


def arguments_after(program, text):
    """What each call of a program by its name or path, in lines of a shell, gives it."""
    for call in calls(text):
        while call and "=" in call[0]:  # a variable for this call
            call.pop(0)
        if call and call[0].rsplit("/", 1)[-1] == program:
            yield call[1:]


def calls(text):
    """The words of each call."""
    for line in lines(text):
        words = shlex.shlex(line, posix=True, punctuation_chars=True)
        words.whitespace_split = True
        call = []
        for word in words:
            if word in ENDS:
                yield call
                call = []
            else:
                call.append(word)
        yield call


def lines(text):
    """Lines as a shell has them: continued by a backslash, or within quotes."""
    begun = ""
    for line in text.replace("\\\n", " ").splitlines():
        begun += line
        try:
            shlex.split(begun, comments=True)
        except ValueError:  # a quote is open
            begun += "\n"
        else:
            yield begun
            begun = ""
    assert not begun, f"a quote is never closed: {begun}"


def parse(arguments):
    """See that the trainyard command takes these arguments; raises Typer's errors."""
    command, rest = named(arguments)
    command.make_context(command.name, rest)


def named(arguments):
    """The command that arguments name, and those that are left."""
    command, rest = typer.main.get_command(app), list(arguments)
    while hasattr(command, "commands"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no command {name}"
        command = command.commands[name]
    return command, rest
