"""Who judges pictures: adapters of one shape (`judging.py`), one that asks a web address, one that looks for itself."""
