"""``python -m nasion`` is the ``nasion`` command."""

from nasion.cli.main import main

if __name__ == "__main__":
    main()
