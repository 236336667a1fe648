"""What is remembered of people for a while, in Redis."""
