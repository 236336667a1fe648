"""The director's desks of running mixes: what their compositors say on Redis, carried to browsers by WebSocket."""
