"""What every refusal over REST looks like (surface.md)."""

from __future__ import annotations

from typing import Any


def refused(answer: Any, status: int, code: int | None = None, name: str | None = None) -> dict[str, Any]:
    """The problem in the answer, once it is seen to be a whole one."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"].startswith("application/problem+json"), answer["Content-Type"]
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "code"} <= set(body)
    assert body["status"] == status
    assert body["detail"]
    assert "Traceback" not in body["detail"]
    assert code is None or body["code"] == code, body
    assert name is None or body["name"] == name, body
    return body


def given(answer: Any, status: int = 200) -> Any:
    """The body of a good answer."""
    assert answer.status_code == status, answer.content
    return answer.json() if answer.content else None
