"""`python -m treemem`."""

from treemem.cli import main

if __name__ == "__main__":
    main()
