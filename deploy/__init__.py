"""How a copy of the project is set up, run and tested; see README.md."""
