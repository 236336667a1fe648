"""The embedded run: one machine, one command, one supervisor."""
