"""Films that people bring: uploaded in pieces (tus), looked at, kept for relays to play."""
