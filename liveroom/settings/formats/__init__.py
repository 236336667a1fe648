"""How the console writes dates: one spelling that sorts, to the second, UTC."""
