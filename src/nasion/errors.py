"""Messages meant for the user."""


class NasionError(ValueError):
    """A fault in the user's input: one line that says what is wrong and what to do.

    The command line prints it as it is and exits with code 2.
    """
