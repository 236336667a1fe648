"""The socket's manners in a real browser, against a server that the test speaks for: order, resume, refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def window(stack: Stack) -> Iterator[Browser]:
    """A page of the copy without its own modules: any address of the origin does."""
    with browser(width=900, height=600) as opened:
        opened.open(f"{stack.http}/r/no-such-room")
        yield opened


# A server that the test speaks for: every socket that was opened, and what was said on it.
FAKE = """
  const { RoomSocket, RoomError, backoff } = await import('/static/page/room-socket.js');
  const lines = [];
  class Fake {
    constructor(url, protocols) { Object.assign(this, { url, protocols, said: [], closed: false }); lines.push(this); }
    send(text) { this.said.push(JSON.parse(text)); }
    close() { this.closed = true; }
    open() { this.onopen(); return this.last('join'); }
    hear(frame) { this.onmessage({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) }); }
    answer(command, more) { this.hear({ id: command.id, ok: true, ...more }); }
    batch(epoch, ...events) { this.hear({ type: 'batch', room: 'r', epoch, events }); }
    drop(code) { this.onclose({ code }); }
    last(type) { return this.said.filter((one) => one.type === type).at(-1); }
  }
  const rest = (ms = 0) => new Promise((done) => setTimeout(done, ms));
  const heard = { events: [], states: [], snapshots: [] };
  const urls = ['ws://one/ws', 'ws://two/ws'];
  const socket = new RoomSocket({ urls, room: 'r', usersig: 'sig', sdkappid: 7, WebSocket: Fake, random: () => 0.01 });
  socket.on('event', (event) => heard.events.push(event));
  socket.on('state', (state) => heard.states.push(state));
  socket.on('snapshot', (snapshot, { recovered }) => heard.snapshots.push(recovered));
  const enter = async (seq = 10, epoch = 'e1', more = {}) => {
    socket.connect();
    const join = lines.at(-1).open();
    lines.at(-1).answer(join, { snapshot: { epoch, seq, server_time: Date.now() + 60_000, ...more } });
    await rest();
    return lines.at(-1);
  };
  const comment = (seq) => ({ seq, t: 1, type: 'comment', text: String(seq) });
  const likes = [];
  socket.on('likes', ({ total, error }) => likes.push(error ? error.kind : total));
  const taps = (line) => line.said.filter(({ type }) => type === 'like');
  const seqs = () => heard.events.map((event) => event.seq);
"""


def test_each_event_is_heard_once_in_order_and_totals_always(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const line = await enter();
        line.batch('e1', comment(9), comment(10), comment(11), { type: 'online', online: 3 });
        line.batch('e1', comment(11), comment(12), { type: 'online', online: 4 });
        line.hear('garbage {'); line.hear({ type: 'batch', room: 'other', epoch: 'e1', events: [comment(13)] });
        return [heard.events.map((event) => event.seq ?? event.online), socket.now() - Date.now() > 59_000, line.url, line.protocols];
        """
    )
    assert got[0] == [11, 3, 12, 4]
    assert got[1] is True
    assert got[2] == "ws://one/ws?platform=web&sdkappid=7"
    assert got[3] == ["liveroom.v1", "sig"]


def test_a_lost_connection_resumes_from_the_last_number(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        let line = await enter();
        line.batch('e1', comment(11));
        line.drop(1006);
        const wait = heard.states.at(-1).retryAt - Date.now();
        await rest(60);
        line = lines.at(-1);
        const join = line.open();
        // What was missed may arrive before the answer is read.
        line.answer(join, { recovered: true, snapshot: { epoch: 'e1', seq: 13 } });
        line.batch('e1', comment(12), comment(13));
        line.batch('e1', comment(14));
        await rest();
        line.batch('e1', comment(15));
        return { since: join.since, seqs: seqs(), wait, snapshots: heard.snapshots, lines: lines.length };
        """
    )
    assert got["since"] == {"epoch": "e1", "seq": 11}
    assert got["seqs"] == [11, 12, 13, 14, 15]
    assert got["snapshots"] == [False, True]
    assert got["wait"] <= 1000
    assert got["lines"] == 2


def test_a_gap_or_a_new_epoch_is_never_passed_over(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        let line = await enter();
        line.batch('e1', comment(11), comment(13));
        const afterGap = seqs();
        await rest(60);
        line = lines.at(-1);
        line.answer(line.open(), { recovered: true, snapshot: { epoch: 'e1', seq: 13 } });
        await rest();
        line.batch('e1', comment(12), comment(13));
        line.batch('e2', comment(20));
        await rest(60);
        line = lines.at(-1);
        const join = line.open();
        line.answer(join, { recovered: false, snapshot: { epoch: 'e2', seq: 20 } });
        await rest();
        line.batch('e2', comment(20), comment(21));
        return { afterGap, seqs: seqs(), since: join.since, snapshots: heard.snapshots };
        """
    )
    assert got["afterGap"] == [11]
    assert got["since"] == {"epoch": "e1", "seq": 13}
    assert got["seqs"] == [11, 12, 13, 21]
    assert got["snapshots"] == [False, True, False]


def test_bye_and_close_codes_say_whether_to_come_back(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        let line = await enter();
        line.hear({ type: 'bye', reason: 'restart', reconnect: true, after_ms: 700 });
        line.drop(4001);
        const later = heard.states.at(-1);
        const wait = later.retryAt - Date.now();
        socket.hurry();
        const opened = lines.length;
        line = lines.at(-1); line.answer(line.open(), { recovered: true, snapshot: { epoch: 'e1', seq: 10 } });
        await rest();
        line.drop(4104);
        const gone = heard.states.at(-1);
        await rest(60);
        return { later: later.state, wait, opened, gone: [gone.state, gone.error.kind, gone.error.code], lines: lines.length };
        """
    )
    assert got["later"] == "waiting"
    # At least what the server asked for, and a spread of our own.
    assert 650 < got["wait"] <= 710
    assert got["opened"] == 2
    assert got["gone"] == ["refused", "room_gone", 4104]
    assert got["lines"] == 2


def test_answers_find_their_commands_and_a_refused_join_waits_for_the_viewer(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const line = await enter();
        const [first, second] = [socket.send('comment', { text: 'a' }), socket.send('comment', { text: 'b' })];
        const [a, b] = line.said.slice(-2);
        line.hear({ id: b.id, ok: false, error: { code: 10017, name: 'muted', message: 'Muted.', retry_after_ms: 900 } });
        line.answer(a, { result: 'delivered', seq: 11 });
        const said = [(await first).result, await second.catch((e) => [e instanceof RoomError, e.kind, e.code, e.retryAfterMs])];
        const cut = socket.send('comment', { text: 'c' });
        line.drop(1006);
        said.push(await cut.catch((e) => e.kind), await socket.send('ping').catch((e) => e.kind));
        socket.connect({ password: 'wrong' });
        const again = lines.at(-1);
        const join = again.open();
        again.hear({ id: join.id, ok: false, error: { code: 10007, name: 'password_needed', message: 'No.' } });
        await rest(40);
        const { state, error } = heard.states.at(-1);
        return { said, password: join.password, state, kind: error.kind, closed: again.closed };
        """
    )
    assert got["said"] == ["delivered", [True, "muted", 10017, 900], "offline", "offline"]
    assert got["password"] == "wrong"
    assert (got["state"], got["kind"], got["closed"]) == ("refused", "password_needed", True)


def test_an_address_that_does_not_open_gives_way_to_the_next(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        socket.connect();
        lines.at(-1).drop(1006);
        const hosts = lines.map((line) => new URL(line.url).host);
        lines.at(-1).drop(1006);
        const waits = [0, 1, 2, 3, 9].map((attempt) => backoff(attempt, () => 1));
        return { hosts, state: heard.states.at(-1).state, waits, none: backoff(5, () => 0) };
        """
    )
    assert got["hosts"] == ["one", "two"]
    assert got["state"] == "waiting"
    assert got["waits"] == [1000, 2000, 4000, 8000, 15000]
    assert got["none"] == 0


def test_taps_are_summed_and_the_number_moves_with_each(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const line = await enter(10, 'e1', { likes: 100 });
        const first = socket.like();
        const rest_ = [socket.like(), socket.like(3), socket.like()];
        const shown = [...likes];
        line.answer(taps(line)[0], { total: 101, counted: 1 });
        await rest(20);
        const early = taps(line).length;
        await rest(550);
        const [, second] = taps(line);
        line.batch('e1', { type: 'likes', total: 104, count: 3, users: [] });
        const between = socket.likes;
        line.answer(second, { total: 109, counted: 5 });
        const answers = await Promise.all([first, ...rest_]);
        line.batch('e1', { type: 'likes', total: 108, count: 1, users: [] });
        return { shown, early, room: second.room, count: second.count, between, answers, end: socket.likes, sent: taps(line).length };
        """
    )
    assert got["shown"] == [100, 101, 102, 105, 106]
    assert (got["early"], got["room"], got["count"], got["sent"]) == (1, "r", 5, 2)
    assert got["between"] == 109
    assert got["answers"] == [{"total": 101, "counted": 1}, *[{"total": 109, "counted": 5}] * 3]
    assert got["end"] == 109


def test_no_tap_is_lost_without_a_word(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const kind = (error) => error.kind;
        const early = await socket.like().catch(kind);
        let line = await enter(10, 'e1', { likes: 10 });
        const slow = socket.like(4);
        line.hear({ id: taps(line)[0].id, ok: false, error: { code: 60018, name: 'too_often', message: 'Wait.', retry_after_ms: 30 } });
        await rest(20);
        const waiting = [socket.like(2), socket.likes];
        await rest(600);
        const again = taps(line)[1];
        const cut = again.count;
        const unsent = socket.like(5);
        line.drop(1006);
        const unknown = [await slow.catch(kind), await waiting[0].catch(kind)];
        await rest(60);
        line = lines.at(-1);
        line.answer(line.open(), { recovered: true, snapshot: { epoch: 'e1', seq: 10, likes: 16 } });
        await rest(600);
        const kept = taps(line).map(({ count }) => count);
        line.answer(taps(line)[0], { total: 21, counted: 5 });
        const { total } = await unsent;
        const last = [socket.like(), socket.like()];
        line.hear({ type: 'bye', reason: 'banned', reconnect: false, message: 'Banned.' }); line.drop(4103);
        const ended = [await last[0].catch(kind), await last[1].catch(kind)];
        return { early, waiting: waiting[1], cut, unknown, kept, total, last: ended, end: likes.at(-1) };
        """
    )
    assert got["early"] == "offline"
    assert (got["waiting"], got["cut"]) == (16, 6)
    assert got["unknown"] == ["offline", "offline"]
    assert (got["kept"], got["total"]) == ([5], 21)
    assert set(got["last"]) <= {"offline", "banned"}
    assert got["end"] in ("offline", "banned")


def test_words_to_one_person_resume_by_themselves_and_come_once(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const told = [];
        socket.on('you', (event) => told.push(event.useq));
        socket.on('lapse', () => told.push('lapse'));
        const you = (line, more) => line.hear({ type: 'you', epoch: 'u1', events: [], ...more });
        const word = (useq) => ({ useq, type: 'mute', room: 'r', until: null });
        let line = await enter();
        you(line, { useq: 3 }); you(line, { events: [word(4)] }); you(line, { events: [word(4), word(5)] });
        const asked = [];
        const back = async () => {
          line.drop(1006);
          await rest(60);
          line = lines.at(-1);
          asked.push(new URL(line.url).searchParams.get('you'));
        };
        await back();
        you(line, { events: [word(5), word(6)], recovered: true });
        await back();
        you(line, { epoch: 'u2', useq: 9, recovered: false });
        await back();
        socket.connect({ usersig: 'another' });
        asked.push(new URL(lines.at(-1).url).searchParams.get('you'));
        return { told, asked };
        """
    )
    assert got["told"] == [4, 5, 6, "lapse"]
    assert got["asked"] == ["u1.5", "u1.6", "u2.9", None]


def test_an_overlay_says_that_it_is_not_to_be_counted(window: Browser) -> None:
    got = window.run_async(
        FAKE
        + """
        const silent = new RoomSocket({ urls, room: 'r', overlay: true, WebSocket: Fake });
        silent.connect();
        const join = lines.at(-1).open();
        const usual = (await enter(), lines.at(-1).last('join'));
        return [join, 'overlay' in usual, lines[0].protocols];
        """
    )
    assert got[0] == {"id": 1, "type": "join", "room": "r", "overlay": True}
    assert got[1:] == [False, ["liveroom.v1"]]
