"""What concerns one person: its events, numbered and kept for who comes back; and in which room it is.

Others may use both modules, `user_events` and `whereabouts`."""
