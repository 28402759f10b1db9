"""Floor 6: the command line, a thin door: parse, call, show."""
