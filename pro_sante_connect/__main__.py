"""`python -m pro_sante_connect` is the command `psc`."""

from pro_sante_connect.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
