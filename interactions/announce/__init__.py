"""Facts become events for viewers: written to the outbox in the fact's own transaction, told by the relay."""
