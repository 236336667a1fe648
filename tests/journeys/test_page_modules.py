"""The page's modules, each alone in a real browser: flying comments, the list, notices, the words of every state."""

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


def test_flying_comments_never_overlap_and_are_bounded(window: Browser) -> None:
    got = window.run_async(
        """
        const { Danmaku, readableColour, oneLine, laneIsFree } = await import('/static/page/danmaku.js');
        document.body.innerHTML = '<div class="stage"><div id="layer" class="bullets"></div></div>';
        const layer = document.getElementById('layer');
        const danmaku = new Danmaku({ layer, still: { matches: false } });
        let overlaps = 0, most = 0;
        const look = () => {
          const boxes = [...layer.children].map((node) => node.getBoundingClientRect()).filter((box) => box.width);
          most = Math.max(most, danmaku.size);
          for (const [at, a] of boxes.entries()) for (const b of boxes.slice(at + 1)) {
            if (Math.abs(a.top - b.top) < 2 && a.left < b.right - 1 && b.left < a.right - 1) overlaps += 1;
          }
        };
        for (let round = 0; round < 40; round += 1) {
          for (let one = 0; one < 8; one += 1) danmaku.add({ text: 'x'.repeat(1 + ((round * 7 + one * 13) % 60)), color: '#ff0000' });
          await new Promise((done) => setTimeout(done, 50));
          look();
        }
        const lanes = new Set([...layer.children].map((node) => node.style.top)).size;
        danmaku.on = false;
        return {
          overlaps, most, lanes, cleared: layer.children.length,
          colours: ['#ffffff', '#000000', '#FF7A85', 'red', 'url(x)', null, '#12345'].map(readableColour),
          line: oneLine('a\\n\\u202eb\\t c'), long: [...oneLine('w'.repeat(500))].length,
          free: [laneIsFree(undefined, { width: 10, stage: 100, now: 0 }),
                 laneIsFree({ startedAt: 0, width: 50 }, { width: 50, stage: 900, now: 10 }),
                 laneIsFree({ startedAt: 0, width: 50 }, { width: 5000, stage: 900, now: 1500 }),
                 laneIsFree({ startedAt: 0, width: 50 }, { width: 50, stage: 900, now: 1500 })],
        };
        """
    )
    assert got["overlaps"] == 0
    assert 10 < got["most"] <= 70
    assert got["lanes"] > 3
    assert got["cleared"] == 0
    assert got["colours"] == ["#ffffff", "#ffffff", "#FF7A85", "#ffffff", "#ffffff", "#ffffff", "#ffffff"]
    assert got["line"] == "a b c"
    assert got["long"] == 101
    assert got["free"] == [True, False, False, True]


def test_the_way_of_the_picture_gives_way_to_stalls_and_comes_back_after_a_calm(window: Browser) -> None:
    got = window.run_async(
        """
        const { Ways } = await import('/static/page/ways.js');
        const { usableEngines } = await import('/static/page/engines.js');
        const { secondsText } = await import('/static/page/delay.js');
        const names = ['flv', 'll', 'hls'], ways = new Ways(), told = [], S = 1000;
        const stall = (at) => told.push([at / S, ways.stalled(names, at), ways.of(names)]);
        for (const at of [0, 40, 80, 85, 90]) stall(at * S);        // spread out, then three within half a minute
        const early = ways.moves(140 * S), back = ways.moves(160 * S), near = ways.of(names);
        for (const at of [161, 162, 163]) stall(at * S);            // the nearer one does not hold: twice as long now
        const sooner = ways.moves(230 * S), later = ways.moves(290 * S);
        for (const at of [400, 401, 402, 403, 404, 405, 406, 407, 408, 409]) stall(at * S);
        const last = ways.of(names);
        ways.reset();
        ways.next();                                                // failed: it is not tried again by itself
        const failed = [ways.of(names), ways.moves(10_000 * S)];
        const play = { flv: '/a.flv', ll_hls: '/a/ll/index.m3u8', hls: '/a.m3u8', ladder: '/a/master.m3u8' };
        return {
          moved: told.filter(([, moved]) => moved).map(([at, , to]) => [at, to]), early, back, near, sooner, later, last, failed,
          usable: [[play, { ladder: true }], [play, { way: 'll' }], [{ ...play, ll_hls: '' }, { way: 'll' }]]
            .map(([addresses, wanted]) => usableEngines(addresses, wanted))
            .map((found) => found.filter((name) => !name.startsWith('native'))),
          texts: [0.04, 1.26, 9.94, 9.96, 61.2].map(secondsText),
        };
        """
    )
    assert got["moved"] == [[90, "ll"], [163, "ll"], [402, "ll"], [405, "hls"]]
    assert (got["early"], got["back"], got["near"], got["sooner"], got["later"]) == (False, True, "flv", False, True)
    assert (got["last"], got["failed"]) == ("hls", ["ll", False])
    assert got["usable"] == [["ladder", "flv", "ll", "hls"], ["ll"], ["flv", "hls"]]
    assert got["texts"] == ["0.0 s", "1.3 s", "9.9 s", "10 s", "61 s"]


def test_who_wants_less_motion_sees_comments_stand_still(window: Browser) -> None:
    got = window.run_async(
        """
        const { Danmaku } = await import('/static/page/danmaku.js');
        document.body.innerHTML = '<div class="stage"><div id="layer" class="bullets"></div></div>';
        const danmaku = new Danmaku({ layer: document.getElementById('layer'), still: { matches: true } });
        danmaku.add({ text: 'calm' });
        const [node] = document.getElementById('layer').children;
        const before = node.getBoundingClientRect().left;
        await new Promise((done) => setTimeout(done, 300));
        return [before, node.getBoundingClientRect().left, document.getElementById('layer').getBoundingClientRect().right];
        """
    )
    assert got[0] == got[1] < got[2]


LIST = """
  const { CommentList } = await import('/static/page/comments.js');
  document.body.innerHTML = '<div class="well"><div id="scroller" class="scroller">' +
    '<ul id="list" class="comments"></ul></div><button id="pill" hidden></button></div>';
  // The page's policy allows no style attributes.
  Object.assign(document.querySelector('.well').style, { height: '300px', position: 'relative' });
  const [list, scroller, pill] = ['list', 'scroller', 'pill'].map((id) => document.getElementById(id));
  const comments = new CommentList({ list, scroller, pill });
  comments.me = 'mia';
  const say = (seq, from = 'zed', more = {}) => comments.add({ seq, text: `text ${seq}`, from: { id: from, nick: from }, t: 1, ...more });
  const frame = () => new Promise((done) => setTimeout(done, 80));
"""


def test_the_list_is_bounded_and_never_moves_what_is_being_read(window: Browser) -> None:
    got = window.run_async(
        LIST
        + """
        for (let seq = 1; seq <= 260; seq += 1) say(seq);
        await frame();
        const size = list.childElementCount;
        const atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
        scroller.scrollTop = 1500;
        await frame();
        const read = [...list.children].find((node) => node.getBoundingClientRect().top >= scroller.getBoundingClientRect().top);
        const before = read.getBoundingClientRect().top;
        for (let seq = 261; seq <= 290; seq += 1) say(seq);
        await frame();
        const moved = read.getBoundingClientRect().top - before;
        const label = pill.textContent, shown = !pill.hidden;
        pill.click();
        await frame();
        return { size, atEnd, moved, label, shown, hidden: pill.hidden, last: list.lastElementChild.innerText, now: list.childElementCount,
                 end: scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight };
        """
    )
    assert got["size"] == got["now"] == 200
    assert got["atEnd"] < 2
    assert abs(got["moved"]) < 2
    assert (got["label"], got["shown"], got["hidden"]) == ("30 new comments", True, True)
    assert "text 290" in got["last"]
    assert got["end"] < 2


def test_ones_own_comment_is_pending_then_real_and_an_error_offers_to_send_again(window: Browser) -> None:
    got = window.run_async(
        LIST
        + """
        const sent = [];
        const expect = (cid) => comments.expect({ cid, text: cid, from: { id: 'mia', nick: 'Mia' }, again: () => sent.push(cid) });
        for (const cid of ['one', 'two', 'three', 'four']) expect(cid);
        await frame();
        const pending = list.querySelectorAll('.pending').length;
        const whose = comments.add({ seq: 1, text: 'one', cid: 'one', from: { id: 'mia', nick: 'Mia' } });
        comments.settle('one', 'delivered');
        comments.settle('two', 'sampled', { text: 'two', from: { id: 'mia', nick: 'Mia' } });
        comments.fail('three', { message: 'No connection.', again: true });
        comments.fail('four', { message: 'Words that are not allowed.', again: false });
        const said = [...list.children].map((node) => node.innerText.replace(/\\s+/g, ' '));
        list.querySelector('.failed button').click();
        await frame();
        const other = [say(2), comments.add({ seq: 3, text: 'x', cid: 'three', from: { id: 'mia', nick: 'Mia' } })];
        await frame();
        comments.reset([{ seq: 4, text: 'history', from: { id: 'zed', nick: 'Zed' } }]);
        return { pending, whose, said, sent, other, own: list.querySelectorAll('.own').length, count: list.childElementCount };
        """
    )
    assert got["pending"] == 4
    assert got["whose"] == "echo"
    assert "others may not have seen this" in got["said"][1]
    assert "Not sent: No connection. Send again" in got["said"][2]
    assert got["said"][3].endswith("Not sent: Words that are not allowed.")
    assert got["sent"] == ["three"]
    assert got["other"] == ["other", "echo"]
    # After a new snapshot only the history stands, and what nobody has taken yet.
    assert (got["own"], got["count"]) == (1, 2)


def test_notices_are_text_or_texts_and_pictures_and_nothing_else(window: Browser) -> None:
    got = window.run_async(
        """
        const { parseNotice, showNotice } = await import('/static/page/notice.js');
        const { shownName, clockText, webAddress } = await import('/static/page/dom.js');
        const parsed = [
          'plain <b>text</b>', '{"text":"hi","images":["https://a.example/x.png","javascript:alert(1)","data:image/png;base64,x"]}',
          '[{"text":"a"},{"image":"http://a.example/y.jpg"},"b"]', '{"broken', '[not json]', '{"other":1}', '', null,
        ].map((source) => { const { text, images } = parseNotice(source); return [text, images]; });
        document.body.innerHTML = '<section id="box"><div data-body></div></section>';
        const box = document.getElementById('box');
        const line = showNotice(box, '<img src=x onerror=alert(1)>\\nsecond');
        return { parsed, line, markup: box.querySelectorAll('img').length, empty: (showNotice(box, ''), box.hidden),
                 names: [shownName('\\u202eevil\\u200b name\\n'), shownName('', 'id1'), shownName('x'.repeat(99)).length],
                 clocks: [0, 999, 61_000, 3_723_000].map(clockText), web: [webAddress('ftp://x'), webAddress('https://x/')] };
        """
    )
    assert got["parsed"] == [
        ["plain <b>text</b>", []],
        ["hi", ["https://a.example/x.png"]],
        ["a\nb", ["http://a.example/y.jpg"]],
        ['{"broken', []],
        ["[not json]", []],
        ['{"other":1}', []],
        ["", []],
        ["", []],
    ]
    assert got["line"] == "<img src=x onerror=alert(1)>"
    assert (got["markup"], got["empty"]) == (0, True)
    assert got["names"] == ["evil name", "id1", 40]
    assert got["clocks"] == ["0:00", "0:01", "1:01", "1:02:03"]
    assert got["web"] == ["", "https://x/"]


def test_every_state_has_words_that_say_what_to_do(window: Browser) -> None:
    got = window.run_async(
        """
        const { scene } = await import('/static/page/stage.js');
        const room = (more) => ({ status: 'live', starts_at: null, play: {}, ...more });
        const show = (more) => scene({ socket: { state: 'joined' }, room: room(), player: { state: 'idle' }, now: 1000, ...more });
        const refused = (kind) => show({ room: null, socket: { state: 'refused', error: { kind, message: 'Said by the server.' } } });
        const status = (status, more) => show({ room: room({ status, ...more }) });
        const player = (state, more) => show({ player: { state, ...more } });
        return {
          entering: show({ room: null, socket: { state: 'connecting' } }),
          away: show({ room: null, socket: { state: 'waiting' } }),
          soon: status('to_be_started'),
          due: status('to_be_started', { starts_at: 500 }),
          count: status('to_be_started', { starts_at: 9000 }),
          waiting: player('loading', { reason: 'not_live' }),
          playing: player('playing'),
          full: player('failed', { reason: 'busy', message: 'Full.' }),
          old: player('failed', { reason: 'unsupported' }),
          foreign: status('live', { play: { unplayable: { codec: 'AV1', message: 'It comes as AV1.' } } }),
          paused: status('paused'),
          ended: status('ended'),
          over: status('played_back'),
          password: refused('password_needed'),
          banned: refused('banned'),
          gone: refused('room_unknown'),
          other: refused('entered_another_room'),
          new: refused('something_new'),
        };
        """
    )
    assert got["playing"] == {"key": "playing", "clear": True}
    assert got["count"]["until"] == 9000
    assert got["password"]["action"] == "password"
    assert got["other"]["action"] == "here"
    assert got["new"]["text"] == "Said by the server."
    assert got["full"]["text"] == "Full."
    assert got["foreign"]["text"] == "It comes as AV1."
    assert "action" not in got["foreign"]  # trying again changes nothing
    assert all(state.get("title") for name, state in got.items() if name != "playing")
    assert len({state["key"] for state in got.values()}) == len(got)


def test_why_the_box_is_closed_and_until_when(window: Browser) -> None:
    got = window.run_async(
        """
        const { closedBox, FOREVER } = await import('/static/page/speaking.js');
        const box = (more) => closedBox({ socket: { state: 'joined' }, room: { status: 'live' }, now: 1000, ...more });
        return {
          open: box({}), lifted: box({ mutedUntil: 900 }),
          muted: box({ mutedUntil: 5000 }), ever: box({ mutedUntil: FOREVER }),
          all: box({ mutedAll: true, me: { role: 'member' } }), leads: box({ mutedAll: true, me: { role: 'admin' } }),
          slow: box({ slowUntil: 3000 }), over: box({ room: { status: 'ended' } }),
          away: box({ socket: { state: 'waiting' } }), out: box({ socket: { state: 'refused' } }), early: box({ room: null }),
        };
        """
    )
    assert {name for name, box in got.items() if box["reason"] == ""} == {"open", "lifted", "leads"}
    assert got["muted"] == {"reason": "A moderator muted you", "until": 5000, "said": True}
    assert (got["slow"]["until"], got["ever"]["until"]) == (3000, 0)
    assert got["all"]["said"] is got["ever"]["said"] is True


def test_arrivals_become_one_line_until_somebody_speaks(window: Browser) -> None:
    got = window.run_async(
        LIST
        + """
        const { Arrivals, cameIn, moderated } = await import('/static/page/tips.js');
        const arrivals = new Arrivals();
        const user = (id) => ({ id, nick: id });
        const come = (event, now) => {
          const { text, again } = arrivals.add(event, { me: 'mia', now, goesOn: comments.arrivalIsLast });
          if (text) comments.arrive(text, { again });
        };
        come({ users: [user('zed')], count: 1 }, 0);
        come({ users: [user('max')], count: 1 }, 1000);
        await frame();
        come({ users: [user('rita'), user('mia')], count: 5 }, 2000);
        come({ users: [user('zed')], count: 1 }, 3000);
        say(1);
        come({ users: [user('mia')], count: 1 }, 4000);
        come({ users: [user('stella')], count: 1 }, 5000);
        await frame();
        come({ users: [user('kim')], count: 1 }, 60_000);
        await frame();
        return {
          lines: [...list.children].map((node) => node.querySelector('.text')?.textContent ?? node.textContent),
          texts: [[[], 1], [[], 3], [['a'], 2], [['a', 'b'], 2], [['a', 'b'], 4]].map(([names, count]) => cameIn({ names, count })),
          moderated: [moderated({ type: 'ban', user: user('zed') }), moderated({ type: 'mute_all', on: false })],
        };
        """
    )
    assert got["lines"] == ["zed and 5 others came in", "text 1", "stella came in", "kim came in"]
    assert got["texts"] == [
        "A guest came in",
        "3 guests came in",
        "a and 1 other came in",
        "a and b came in",
        "a and 3 others came in",
    ]
    assert got["moderated"] == ["zed was removed from the room.", "Everyone may comment again."]


def test_lines_over_a_picture_are_bounded_and_fade_by_the_servers_clock(window: Browser) -> None:
    got = window.run_async(
        """
        const { Lines, settingsOf } = await import('/static/page/overlay.js');
        document.body.innerHTML = '<ul id="list"></ul>';
        const list = document.getElementById('list');
        let now = 100_000;
        const lines = new Lines({ list, limit: 3, fade: 5, now: () => now });
        const comment = (t, text, more) => ({ t, text, from: { id: 'zed', nick: '\u202eZed<b>' }, ...more });
        lines.reset([comment(10_000, 'long ago'), comment(94_000, 'before it was loaded'),
          comment(96_000, 'a'), comment(99_000, 'b')], 95_000);
        const texts = () => [...list.children].map((node) => node.querySelector('.text').textContent);
        const first = texts();
        for (const text of ['c', 'd', '<img src=x>']) lines.add(comment(100_000, text, { color: 'url(x)' }));
        const full = texts();
        now += 4_500;
        await new Promise((done) => setTimeout(done, 300));
        const fading = list.querySelectorAll('.gone').length;
        now += 600;
        await new Promise((done) => setTimeout(done, 300));
        return { first, full, fading, left: list.childElementCount,
                 settings: [settingsOf(''), settingsOf('?size=9999&limit=-4&fade=2.5&dir=down'), settingsOf('?size=x')] };
        """
    )
    assert got["first"] == ["a", "b"]
    assert got["full"] == ["c", "d", "<img src=x>"]
    assert (got["fading"], got["left"]) == (3, 0)
    usual = {"size": 28, "limit": 12, "fade": 0, "down": False}
    assert got["settings"] == [usual, {"size": 200, "limit": 1, "fade": 2.5, "down": True}, usual]


def test_letters_of_a_field_that_was_lost_are_nobodys_shortcuts(window: Browser) -> None:
    window.open(window.run("return location.href"))
    window.run_async(
        """
        const { Shortcuts } = await import('/static/page/shortcuts.js');
        document.body.innerHTML = '<input id="box"><button id="other">Other</button><p id="ground">ground</p>'
          + '<dialog id="help">keys</dialog>';
        window.acts = [];
        const keys = Object.fromEntries([...'kl '].map((key) => [key, () => window.acts.push(key)]));
        new Shortcuts({ keys, help: document.getElementById('help') });
        """
    )

    def acts() -> str:
        return str(window.run("return window.acts.splice(0).join('')"))

    def types(text: str) -> None:
        window.driver.switch_to.active_element.send_keys(text)

    types("kl ")
    assert acts() == "kl "
    for lost in (".disabled = true", ".hidden = true", ".remove()"):
        window.find("#box").click()
        types("lk")
        window.run(f"document.getElementById('box'){lost}")
        window.until("document.activeElement === document.body")
        types("klk l")
        assert acts() == "", lost
        assert not window.run("return document.getElementById('help').open")
        window.find("#ground").click()
        types("k")
        assert acts() == "k"
        window.run(
            "document.getElementById('box')?.remove(); document.body.prepend(Object.assign(document.createElement('input'), { id: 'box' }))"
        )
    # A space on a button is the button's; `?` shows the list, in which keys do nothing but close it.
    window.run("document.getElementById('other').focus()")
    types("?")
    window.until("document.getElementById('help').open")
    types("k?")
    window.until("!document.getElementById('help').open")
    types(" ")
    assert acts() == ""


def test_one_short_word_at_a_time_and_the_others_wait(window: Browser) -> None:
    got = window.run_async(
        """
        const { toast } = await import('/static/page/toasts.js');
        document.body.innerHTML = '<div id="toasts"></div>';
        const box = document.getElementById('toasts');
        const shown = () => [...box.children].map((node) => node.querySelector('b').textContent);
        const seen = [];
        for (let one = 0; one < 9; one += 1) toast({ title: `Level ${one} <b>`, sign: 'star' });
        const first = shown();
        while (box.childElementCount) {
          seen.push(...shown());
          box.querySelector('button').click();
        }
        toast({ title: 'Afterwards' });
        return { first, seen, after: shown() };
        """
    )
    assert got["first"] == ["Level 0 <b>"]
    # The oldest of those that waited were the least news.
    assert got["seen"] == [f"Level {one} <b>" for one in (0, 4, 5, 6, 7, 8)]
    assert got["after"] == ["Afterwards"]
