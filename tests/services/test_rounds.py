"""Questions of one moment in one round: everybody gets its own answer, or why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from liveroom.kernel import clock
from liveroom.kernel.data.redis import aredis_for, key, shared
from liveroom.kernel.work import rounds
from liveroom.kernel.work.rounds import Rounds
from moderation.live import traces


class Oracle:
    """Answers with ten times the number; keeps each round. While `open` is not set a round is under way."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []
        self.under_way = 0
        self.open = asyncio.Event()
        self.open.set()
        self.rounds: Rounds[int, int] = Rounds(self.answer)

    async def answer(self, numbers: Sequence[int]) -> Sequence[int | BaseException]:
        self.under_way += 1
        assert self.under_way == 1, "one at a time"
        self.asked.append(list(numbers))
        await self.open.wait()
        self.under_way -= 1
        if 666 in numbers:
            raise OSError("away")
        return [ValueError(f"not {number}") if number < 0 else number * 10 for number in numbers]

    def ask(self, number: int) -> asyncio.Task[int]:
        return asyncio.ensure_future(self.rounds.ask(number))

    async def until_asked(self, times: int) -> None:
        async with asyncio.timeout(2):
            while len(self.asked) < times:
                await asyncio.sleep(0)


async def everything(*asking: asyncio.Task[int]) -> list[Any]:
    async with asyncio.timeout(2):
        return await asyncio.gather(*asking, return_exceptions=True)


async def test_those_who_ask_in_one_moment_are_asked_for_at_once_in_order():
    oracle = Oracle()
    assert await everything(*map(oracle.ask, range(50))) == [n * 10 for n in range(50)]
    assert oracle.asked == [list(range(50))]


async def test_who_comes_while_a_round_is_under_way_is_in_the_next():
    oracle = Oracle()
    oracle.open.clear()
    first = oracle.ask(1)
    await oracle.until_asked(1)
    others = [oracle.ask(n) for n in (2, 3, 4)]
    await asyncio.sleep(0.01)
    assert oracle.asked == [[1]]
    oracle.open.set()
    assert await everything(first, *others) == [10, 20, 30, 40]
    assert oracle.asked == [[1], [2, 3, 4]]


async def test_a_crowd_is_asked_for_in_portions_and_keeps_its_order():
    oracle = Oracle()
    many = 2 * rounds.AT_ONCE + 7
    assert await everything(*map(oracle.ask, range(many))) == [n * 10 for n in range(many)]
    assert [len(asked) for asked in oracle.asked] == [rounds.AT_ONCE, rounds.AT_ONCE, 7]
    assert [n for asked in oracle.asked for n in asked] == list(range(many))


async def test_an_answer_that_is_an_error_meets_only_who_asked():
    oracle = Oracle()
    one, bad, other = await everything(oracle.ask(1), oracle.ask(-2), oracle.ask(3))
    assert (one, other) == (10, 30)
    assert isinstance(bad, ValueError)
    assert str(bad) == "not -2"
    assert len(oracle.asked) == 1


async def test_a_round_that_fails_fails_for_all_of_it_and_for_nobody_after_it():
    oracle = Oracle()
    oracle.open.clear()
    lost = [oracle.ask(n) for n in (1, 666, 2)]
    await oracle.until_asked(1)
    later = oracle.ask(5)
    oracle.open.set()
    assert [type(answer) for answer in await everything(*lost)] == [OSError] * 3
    assert await everything(later) == [50]
    assert await everything(oracle.ask(6)) == [60]


async def test_who_gives_up_does_no_harm_to_the_others():
    oracle = Oracle()
    oracle.open.clear()
    first = oracle.ask(1)
    await oracle.until_asked(1)
    gone, waiting, stays = oracle.ask(2), oracle.ask(3), oracle.ask(4)
    await asyncio.sleep(0)
    for asking in (first, gone, waiting):  # of the round that is under way, and of the next
        asking.cancel()
    oracle.open.set()
    assert await everything(stays) == [40]
    assert await everything(oracle.ask(7)) == [70]
    assert all(asking.cancelled() for asking in (first, gone, waiting))


async def test_too_few_answers_leave_nobody_waiting():
    async def half(numbers: Sequence[int]) -> Sequence[int]:
        return list(numbers)[: len(numbers) // 2]

    short: Rounds[int, int] = Rounds(half)
    answers = await everything(*(asyncio.ensure_future(short.ask(n)) for n in range(4)))
    assert [type(answer) for answer in answers] == [ValueError] * 4


async def test_a_question_asked_by_an_answer_is_answered():
    """Whoever is answered asks again at once, as sockets do that come into one room after the other."""
    oracle = Oracle()

    async def hop(number: int) -> int:
        for _ in range(5):
            number = await oracle.rounds.ask(number % 7)
        return number

    async with asyncio.timeout(2):
        assert len(await asyncio.gather(*map(hop, range(20)))) == 20
    assert [len(asked) for asked in oracle.asked] == [20] * 5


async def test_what_many_ask_is_asked_once_in_a_round_and_takes_one_place_in_it():
    oracle = Oracle()
    oracle.rounds = Rounds(oracle.answer, once=True)
    oracle.open.clear()
    early = [oracle.ask(number) for number in (1, 2, 1, -3, 1, -3)]
    await oracle.until_asked(1)
    early[0].cancel()
    # The round under way began before they asked: another one answers them.
    late = [oracle.ask(number) for number in (*[1] * 1000, *range(2, 202))]
    await asyncio.sleep(0.01)
    oracle.open.set()
    answers = await everything(*early, *late)
    assert oracle.asked == [[1, 2, -3], list(range(1, 201)), [201]]
    assert isinstance(answers[0], asyncio.CancelledError)
    assert [answers[place] for place in (1, 2, 4)] == [20, 10, 10]
    assert [str(answers[place]) for place in (3, 5)] == ["not -3"] * 2
    assert answers[6:] == [10] * 1000 + [number * 10 for number in range(2, 202)]
    assert await oracle.rounds.ask(1) == 10
    assert oracle.asked[3:] == [[1]]


async def test_commands_of_every_kind_share_a_round_and_each_gets_its_own_answer():
    shared_round = rounds.redis_rounds()
    name = "lr:test:rounds"
    asked = [
        ("SET", name, "a", "EX", 60, "GET"),
        ("EXPIRE", name, 30),
        ("GET", name),
        ("RPUSH", name + ":list", "GET"),
        ("EXPIRE", name + ":list", 30),
        ("SET", name, "b", "GET"),
        ("INCR", name + ":n"),
    ]
    answers = await asyncio.gather(*(shared_round.ask(command) for command in asked))
    assert answers == [None, True, b"a", 1, True, b"a", 1]
    await aredis_for("").delete(name, name + ":list", name + ":n")


async def test_a_crowd_that_logs_in_is_remembered_over_one_connection():
    together = rounds.redis_rounds()
    people = [f"crowd{number}" for number in range(200)]
    now_ms = clock.now_ms()
    before = connections_made()
    await asyncio.gather(
        *(
            traces.remember(
                sdkappid=1,
                identifier=name,
                traces=frozenset({f"d:{name}", "a:192.0.2.7"}),
                now_ms=now_ms,
                rounds=together,
            )
            for name in people
        )
    )
    assert connections_made() - before <= 1
    for name in people:
        assert set(traces.of_person(sdkappid=1, identifier=name)) == {f"d:{name}", "a:192.0.2.7"}
    # Of many, the latest are kept.
    for number in range(traces.MOST + 5):
        await traces.remember(
            sdkappid=1, identifier="mover", traces=frozenset({f"a:{number}"}), now_ms=now_ms + number, rounds=together
        )
    assert traces.of_person(sdkappid=1, identifier="mover") == [f"a:{n}" for n in range(traces.MOST + 4, 4, -1)]
    assert 0 < shared().ttl(key(traces.KIND, "@1:mover")) <= 30 * 86_400
    shared().delete(*(key(traces.KIND, f"@1:{name}") for name in (*people, "mover")))


def connections_made() -> int:
    stats: Any = shared().info("stats")
    return int(stats["total_connections_received"])
