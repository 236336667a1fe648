"""Gifts beside the bare database, and how long a room waits to hear of one: `deploy/test --bench gifts`."""
