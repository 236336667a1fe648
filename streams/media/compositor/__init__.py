"""Several pictures into one: a process per output, told what to show by scenes (`scene.py`) over Redis (`wires.py`)."""
