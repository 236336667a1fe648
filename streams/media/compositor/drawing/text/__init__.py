"""Words as pictures: what is written, cleaned, cut, ordered, and drawn with the fonts that have it."""
