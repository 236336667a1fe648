"""Marks in the picture: what is drawn over a stream for its viewers, a recording, a relay or a mix, and which invisible number is in it."""
