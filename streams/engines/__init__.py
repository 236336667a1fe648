"""Engines: the servers that take RTMP in. One seam (`base`), one adapter per server."""

from streams.engines.base import (
    BadHook,
    Engine,
    EngineState,
    EngineStream,
    EngineUnreachable,
    Hook,
    Publisher,
    engine,
)

__all__ = ["BadHook", "Engine", "EngineState", "EngineStream", "EngineUnreachable", "Hook", "Publisher", "engine"]
