"""Gifts, draws and polls on the page: what decides alone in a real browser, and one evening on a whole copy."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from interactions.draws import rules
from tests.helpers.browser import Browser, browser
from tests.helpers.stack import Stack
from tests.journeys.test_page import Room, open_room, person
from tests.journeys.test_page_modules import LIST

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def window(stack: Stack) -> Iterator[Browser]:
    """A page of the copy without its own modules."""
    with browser(width=900, height=600) as opened:
        opened.open(f"{stack.http}/r/no-such-room")
        yield opened


def test_ones_own_gifts_are_shown_once_whichever_word_comes_first(window: Browser) -> None:
    got = window.run_async(
        """
        const { OwnGifts } = await import('/static/page/own-gifts.js');
        const runs = { runs: true, now: 0 };
        const told = (own, count, combo, now = 0) => own.told({ code: 'rose', count, combo }, now);
        // 25 clicks; the room hears of 20, then of 5.
        const clicks = new OwnGifts();
        for (let one = 0; one < 25; one += 1) clicks.sent('rose', 1);
        const numbers = Array.from({ length: 25 }, () => clicks.paid('rose', 1, runs));
        const echoes = [told(clicks, 20, 20), told(clicks, 5, 25)];
        // 99 at once: the room was faster than the answer.
        const late = new OwnGifts();
        late.sent('rose', 99);
        const fast = [told(late, 99, 99), late.paid('rose', 99, runs)];
        // Another window of mine buys, too; the room counts on from there.
        const two = new OwnGifts();
        two.sent('rose', 1);
        const both = [two.paid('rose', 1, runs), told(two, 3, 3), told(two, 2, 5)];
        // After five seconds the number begins anew; a refused one changes nothing; a break of the line is forgotten.
        const slow = new OwnGifts();
        for (const now of [0, 4_000, 10_000]) { slow.sent('rose', 1); }
        const paused = [0, 4_000, 10_000].map((now) => slow.paid('rose', 1, { runs: true, now }));
        slow.sent('rose', 1); slow.failed('rose', 1);
        slow.forget();
        return { numbers: numbers.at(-1), echoes, fast, both, paused, after: told(slow, 1, 9, 11_000) };
        """
    )
    assert got["numbers"] == 25
    assert got["echoes"] == [{"show": False, "combo": 25}, {"show": False, "combo": 25}]
    assert got["fast"] == [{"show": True, "combo": 99}, 0]
    assert got["both"] == [1, {"show": True, "combo": 3}, {"show": True, "combo": 5}]
    assert got["paused"] == [1, 2, 1]
    assert got["after"] == {"show": True, "combo": 9}


def test_a_running_number_goes_on_in_its_line(window: Browser) -> None:
    got = window.run_async(
        LIST
        + """
        const { giftOf } = await import('/static/page/gift-look.js');
        const gift = (count, combo, id = 'zed') => ({
          type: 'gift', gift: 'rose', count, combo, t: 1, from: { id, nick: id },
          data: { data: { cmdInfo: { type: 1, giftName: 'Rose', giftCount: count } } },
        });
        const hear = (event) => comments.addGift(event, giftOf(event));
        const texts = () => [...list.children].map((node) => node.innerText.replace(/\\s+/g, ' ').trim().slice(2));
        comments.reset([gift(20, 20), gift(5, 5, 'kim'), gift(20, 40), gift(1, 1)]);
        const history = texts();
        hear(gift(20, 21));
        hear(gift(1, 1));
        comments.renumberGift({ key: 'zed|rose' }, 3);
        await frame();
        return { history, now: texts() };
        """
    )
    assert got["history"] == ["zedsent Rose ×40", "kimsent Rose ×5", "zedsent Rose ×1"]
    assert got["now"] == ["zedsent Rose ×40", "kimsent Rose ×5", "zedsent Rose ×21", "zedsent Rose ×3"]


def test_a_purchase_keeps_its_key_until_it_is_answered(window: Browser) -> None:
    got = window.run_async(
        """
        const { Shop } = await import('/static/page/gift-shop.js');
        const { ApiError } = await import('/static/page/api.js');
        let answers = [], asked = [], told = [], key = 0;
        const shop = new Shop({
          post: async (purchase) => {
            asked.push([purchase.gift, purchase.key]);
            const answer = answers.shift();
            if (answer instanceof Error) throw answer;
            return answer;
          },
          told: (what, purchase, more = {}) => what === 'balance' || told.push([what, purchase.gift, more.error?.status ?? 0]),
          newKey: () => `k${key += 1}`, pause: async () => {},
        });
        const settled = async () => { for (let turn = 0; turn < 60; turn += 1) await null; };
        const away = new ApiError({}), poor = new ApiError({ status: 402 });
        shop.balance = 100;
        answers = [away, new ApiError({ status: 503 }), { balance: 90 }];
        shop.buy({ gift: 'rose', count: 1, price: 10 });
        const optimistic = shop.balance;
        await settled();
        const first = { asked, told, optimistic, balance: shop.balance };
        // What costs as much or more is not asked for; what is cheaper is.
        [asked, told] = [[], []];
        answers = [poor, { balance: 89 }];
        for (const [gift, price] of [['car', 500], ['house', 900], ['leaf', 1]]) shop.buy({ gift, count: 1, price });
        await settled();
        const second = { asked: asked.map(([gift]) => gift), told, balance: shop.balance };
        // Nobody answers at all: it waits for a word, and is asked for again under its own key.
        [asked, told] = [[], []];
        answers = [away, away, away, away, away, { balance: 79 }];
        shop.buy({ gift: 'rose', count: 1, price: 10 });
        await settled();
        const waits = [told.at(-1)[0], shop.waiting];
        shop.retry();
        await settled();
        return { first, second, waits, keys: [...new Set(asked.map(([, one]) => one))].length, end: told.at(-1)[0], left: shop.balance };
        """
    )
    assert got["first"]["asked"] == [["rose", "k1"]] * 3
    assert (got["first"]["told"], got["first"]["optimistic"]) == ([["sent", "rose", 0], ["paid", "rose", 0]], 90)
    assert got["second"]["asked"] == ["car", "leaf"]
    assert got["second"]["told"][3:] == [["refused", "car", 402], ["refused", "house", 402], ["paid", "leaf", 0]]
    assert (got["first"]["balance"], got["second"]["balance"], got["left"]) == (90, 89, 79)
    assert (got["waits"], got["keys"], got["end"]) == (["unknown", 1], 1, "paid")


def test_banners_and_effects_are_bounded_and_the_most_valuable_come_first(window: Browser) -> None:
    got = window.run_async(
        """
        const { BannerQueue, EffectQueue } = await import('/static/page/gift-queues.js');
        const gift = (user, value, more = {}) => ({ key: `${user}|rose`, user, value, combo: 1, own: false, ...more });
        const queue = new BannerQueue({ places: 2 });
        const first = [queue.add(gift('a', 1), 0), queue.add(gift('b', 1), 0), queue.add(gift('a', 1, { combo: 2 }), 100)];
        const numbers = queue.shown.map(({ combo }) => combo);
        const more = Array.from({ length: 9 }, (_, one) => queue.add(gift(`u${one}`, 10 + one), 200));
        const own = queue.add(gift('me', 1, { own: true }), 200);
        const waiting = queue.waiting.map(({ user }) => user);
        const next = queue.turn(300);
        queue.turn(next);
        const shown = queue.shown.map(({ user }) => user);
        // However long it goes on, it gives way in the end.
        for (let now = next; now < next + 40_000; now += 500) queue.add(gift('me', 1, { own: true }), now);
        const endless = queue.shown.find(({ user }) => user === 'me').until - next;
        const effects = new EffectQueue({ most: 2 });
        const added = [['a', 5], ['b', 9], ['a', 6], ['c', 1]].map(([user, value]) => effects.add(gift(user, value), 0));
        const order = [effects.next().user, effects.next().user, effects.next()];
        return { first, numbers, more, own, waiting, shown, endless, added, order };
        """
    )
    assert got["first"] == ["shown", "shown", "updated"]
    assert got["numbers"] == [2, 1]
    assert got["more"] == ["waits"] * 9
    assert (got["own"], len(got["waiting"]), got["waiting"][:3]) == ("waits", 8, ["me", "u8", "u7"])
    assert got["shown"][-1] == "me"
    assert got["endless"] <= 20_000
    assert got["added"] == [True, True, True, False]
    assert got["order"] == ["a", "b", None]


def test_files_of_effects_are_bounded_and_load_nothing_from_elsewhere(window: Browser) -> None:
    got = window.run_async(
        """
        const { canPlay, checkedLottie, loadBounded } = await import('/static/page/effect-files.js');
        const { giftOf } = await import('/static/page/gift-look.js');
        const says = async (act) => { try { return await act(); } catch (error) { return `no: ${error.message}`; } };
        const plain = { w: 10, h: 10, fr: 30, ip: 0, op: 60, layers: [] };
        const asset = { id: 'x', u: 'http://spy.example/', p: 'who.png' };
        const held = { id: 'y', p: 'data:image/png;base64,AAAA' };
        const fonts = { list: [{ fName: 'a', origin: 3, fPath: 'http://spy.example/f' }] };
        const cleaned = checkedLottie({ ...plain, assets: [asset, held], fonts });
        const from = { id: 'zed', nick: '\\u202eZed' };
        const info = (cmdInfo) => giftOf({ type: 'gift', gift: 'g', from, count: -4, combo: 'x', data: { data: { cmdInfo } } });
        const noLottie = [{}, { ...plain, layers: Array(500).fill({}) }, { ...plain, op: -1 }];
        const own = await Promise.all(['heart', 'rocket'].map(async (name) => {
          const { ms } = checkedLottie(JSON.parse(await (await loadBounded(`/static/page/gifts/${name}.json`)).text()));
          return Math.round(ms / 1000);
        }));
        return {
          own,
          assets: cleaned.animation.assets.map(({ p }) => p), font: cleaned.animation.fonts.list[0].fPath, ms: cleaned.ms,
          bad: await Promise.all(noLottie.map((file) => says(() => checkedLottie(file).ms))),
          large: await says(() => loadBounded('/x', { most: 10, fetch: async () => new Response('x'.repeat(11)) })),
          gone: await says(() => loadBounded('/static/page/gifts/none.json')),
          plays: ['http://a/x.JSON?y', 'http://a/x.svga', 'http://a/x.gif'].map(canPlay),
          gift: info({ type: 7, giftUrl: 'javascript:alert(1)', giftSEUrl: 'data:text/html,x', giftName: 'A <b>' }),
          nothing: [giftOf({ type: 'gift' }), giftOf({ type: 'comment', data: { data: { cmdInfo: {} } } })],
        };
        """
    )
    assert got["own"] == [4, 4]
    assert (got["assets"], got["font"], got["ms"]) == (["", "data:image/png;base64,AAAA"], "", 2000)
    assert all(str(said).startswith("no: ") for said in [*got["bad"], got["large"], got["gone"]])
    assert got["plays"] == [True, False, False]
    gift = got["gift"]
    assert (gift["kind"], gift["icon"], gift["effect"], gift["count"], gift["combo"]) == (1, "", "", 1, 1)
    assert (gift["nick"], gift["name"]) == ("Zed", "A <b>")
    assert got["nothing"] == [None, None]


def test_the_browser_draws_the_same_winners_as_the_rule(window: Browser) -> None:
    # A name beyond the basic plane sorts elsewhere in JavaScript's own order.
    entrants = [*(f"user-{number}" for number in range(40)), "ﬀ", "🎉", "日本", "a:b"]
    seed, draw = "00ff" * 16, "d123456789abcdef"
    told = {
        "seed": seed,
        "commitment": rules.commitment(seed),
        "draw": draw,
        "entrants": entrants,
        "entrantsSha256": rules.entrants_sha256(entrants),
        "winners": rules.winners(seed=seed, draw=draw, entrants=entrants, count=5),
        "count": 5,
    }
    got = window.run_async(
        """
        const { canonical, check, winnersOf } = await import('/static/page/draw-check.js');
        const [told] = args;
        const wrong = [
          { commitment: told.seed }, { entrants: told.entrants.slice(1) }, { winners: [...told.winners].reverse() }, { draw: 'another' },
        ];
        return { order: canonical(told.entrants), all: await winnersOf({ ...told, count: 99 }), good: await check(told),
                 bad: await Promise.all(wrong.map(async (one) => Object.values(await check({ ...told, ...one })))) };
        """,
        told,
    )
    assert got["order"] == rules.canonical(entrants)
    assert got["all"] == rules.ranked(seed=seed, draw=draw, entrants=entrants)
    assert got["good"] == {"commitment": True, "entrants": True, "winners": True}
    assert [all(checks) for checks in got["bad"]] == [False] * 4


LINES = "[...document.querySelectorAll('.gift-line')].map((node) => node.innerText.replace(/\\s+/g, ' ').trim())"


def test_an_evening_with_gifts_a_poll_and_a_draw(stack: Stack) -> None:
    room = Room.made(stack)
    stella, zed = stack.usersig("stella"), person(stack, "Zed")
    mia_usersig = person(stack, "Mia")
    assert stack.api("POST", "demo/topups", {}, bearer=mia_usersig)[0] == 201
    draw = {"keyword": "666", "prize": "A mug", "winners": 1, "seconds": 10, "conditions": {"follower": True}}
    poll = {"question": "What next?", "answers": ["Jazz", "Rock"]}
    with stack.watching(as_="kim", room=room.id) as kim, browser() as mia:
        open_room(mia, room, usersig=mia_usersig)
        # The draw runs while everything else happens.
        assert stack.api("POST", f"rooms/{room.id}/draws", draw, bearer=stella)[0] == 201
        mia.until("document.querySelector('.draw .conditions')?.textContent.includes('not you yet')")
        mia.click("#follow")
        mia.until("document.getElementById('follow').textContent.trim().startsWith('Following')")
        # What the card says of her is shorter now, and the button stands elsewhere.
        mia.until("!document.querySelector('.draw .conditions').textContent.includes('not you yet')")
        mia.click(".draw .primary")
        mia.until("document.querySelector('.draw .primary').textContent === 'You said it'")

        status, opened = stack.api("POST", f"rooms/{room.id}/polls", poll, bearer=stella)
        assert status == 201
        mia.click(".answer:nth-child(2)")
        mia.until("document.querySelector('.answer:nth-child(2) .share').textContent === '100 %'")
        assert stack.api("POST", f"polls/{opened['id']}/votes", {"choices": [1]}, bearer=zed)[0] == 200
        mia.until("document.querySelector('.answer:nth-child(2) .share').textContent === '50 %'")

        mia.click("#gift-open")
        mia.click("[data-gift=rose]")
        for _ in range(2):
            mia.click("#combo")
        mia.until(f"{LINES}.at(-1)?.endsWith('×3')")
        assert mia.text("#combo-number") == "×3"
        heard = 0
        while heard < 3:
            heard += kim.hears("gift", gift="rose")["count"]
        assert heard == 3
        mia.click("[data-gift=crown]")
        mia.until("document.querySelector('.gift-banner.own')?.textContent.includes('sent Crown')")
        mia.click("[data-gift=heart]")
        mia.until("document.querySelector('#effects svg path')")
        mia.click("[data-gift=rocket]")
        mia.until("document.getElementById('gift-balance').textContent === '176'")
        mia.click("[data-gift=rocket]")
        mia.until("document.getElementById('gift-remark').textContent.includes('too small')")
        mia.click("#gift-remark .link")
        mia.until("document.getElementById('gift-balance').textContent === '1,176'")
        # The room's own words about all of it came, and nothing of it stands there twice.
        kim.hears("gift", gift="rocket")
        mia.run("document.getElementById('gift-close').click()")
        lines = mia.run(f"return {LINES}")
        assert [line.rpartition("sent ")[2] for line in lines] == ["Rose ×3", "Crown ×1", "Big heart ×1", "Rocket ×1"]
        mia.click("#tab-ranking")
        mia.run("document.querySelector('[name=scope][value=all]').click()")
        mia.until("document.querySelector('.ranks .own')?.textContent.includes('824')")

        mia.until("document.getElementById('result-title').textContent === 'You have won!'", seconds=20)
        mia.open(mia.run("return document.getElementById('result-link').href"))
        mia.until("document.getElementById('verdict').textContent.startsWith('This draw is right')")
        assert mia.run("return document.querySelectorAll('#checks li:not(.no)').length") == 4
        mia.open(f"{stack.http}/d/{uuid.uuid4().hex[:16]}")
        assert "no such draw" in mia.text("h1")
        complaints = [said for said in mia.errors() if "402" not in said and "404" not in said]
        assert complaints == []
