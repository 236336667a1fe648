"""Pictures in the console: the wall of what is on air, and a room's recordings, relays, templates and jobs."""
