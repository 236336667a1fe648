"""The director's desk: mixes of a room, started here and led from their own page."""
