"""What comes in: a decoder child for each input, its pictures and its sound on one time (`timeline.py`)."""
