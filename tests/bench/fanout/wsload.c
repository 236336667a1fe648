/*
 * wsload - a small, fast WebSocket fan-out load generator (Linux, C, libc only).
 *
 * It opens N WebSocket connections from ONE single-threaded epoll process, optionally
 * publishes messages through some of them at a fixed (open-loop) rate, counts what every
 * connection receives, and builds a latency histogram from a timestamp carried inside the
 * payload.  It prints exactly one line of JSON on stdout; diagnostics go to stderr.
 *
 * BUILD   cc -O2 -std=gnu11 -Wall -Wextra -o wsload wsload.c
 *
 * USE     wsload --url 'ws://127.0.0.1:9100/ws/room/1?u=%d' --n 1000 --send 40 \
 *                --seconds 10 --warmup 2 --pids 1234,1235
 *
 *   --url U          ws://host:port/path ; host is an IPv4 literal or "localhost".
 *                    %d in the path becomes the client index, %r the room (index % rooms).
 *   --n N            number of connections (1000)
 *   --rooms R        rooms, only used for %r and for the expected-deliveries sum (1)
 *   --seconds S      length of the measured window (10)
 *   --warmup S       publish this long before measuring starts (2)
 *   --settle S       wait between the last handshake and the warm-up (0.5)
 *   --drain S        after the window, wait at most this long for late messages (3)
 *   --send M         messages/s published in total, open loop; 0 = only listen (0)
 *   --pubs P         sockets used for publishing, round robin (1)
 *   --burst B        publish B messages at once, M/B times a second (1)
 *   --size BYTES     size of the JSON payload of a published message (250)
 *   --prefix STR     text before / after each published payload, with \n \r \t \\ escapes;
 *   --suffix STR     %L in the prefix becomes the payload size (e.g. NATS "PUB room %L\r\n")
 *   --hello STR      text message each client sends once open (e.g. socket.io "40",
 *                    NATS "CONNECT {}\r\nSUB room 1\r\n"); %r is replaced as in the path
 *   --ready STR      a connection counts as open only when a received frame holds STR (e.g. the
 *                    answer to --hello); the time and CPU of opening then include it
 *   --note STR       the first frame that holds STR is quoted as the "error", before any other
 *   --paths FILE     a path per line, used instead of the URL's: client i takes line i, those
 *                    beyond the end take the last one (e.g. a token for every client)
 *   --plain          the payload is not JSON but the mark, the timestamp and letters, so that it
 *                    can stand inside a JSON string (use a mark without quotes)
 *   --mark STR       what precedes the timestamp in payloads ("ts": by default)
 *   --header STR     extra request header line(s), e.g. 'Origin: http://localhost'
 *   --subproto STR   Sec-WebSocket-Protocol to ask for
 *   --deflate        offer permessage-deflate.  Compressed frames are counted, not inflated,
 *                    so latency and message counts then come from frames only.
 *   --slow K         the first K clients never read once open (slow consumers)
 *   --rcvbuf BYTES   SO_RCVBUF of the slow clients (kernel default)
 *   --slow-mss BYTES TCP_MAXSEG of the slow clients: with loopback's 64 KB the server's kernel
 *                    takes megabytes for a stalled client, with 1400 what it takes over a network
 *   --inflight C     handshakes in progress at once (32); a high value makes a connection storm
 *   --open-limit S   give up opening after S seconds and go on with what is open (60)
 *   --poll-us U      sleep U microseconds between polls: fewer, larger reads, so a lighter
 *                    client, at the price of up to U added latency (0)
 *   --src-per-ip K   connections per loopback source address (20000; 127.0.0.1, .2, ...)
 *   --pids A,B,...   server processes: their CPU time over the window and their RSS are
 *                    read from /proc and reported per delivery; "pid_cpu" has each one's
 *                    seconds in the window, "pid_idle_mb" its RSS before the load, in that order
 *   --label STR      copied to the output
 *
 * WHAT IS COUNTED
 *   A published payload holds "seq" and "ts"; ts is CLOCK_MONOTONIC in ns at which the message
 *   was DUE (not when the client got round to it), so a stalled client or server cannot hide
 *   latency (no coordinated omission).  Each occurrence of the mark in a received frame is one
 *   delivered message, so a frame that carries a JSON array of 20 messages counts 20.
 *   "rate" is messages received inside the window / its length.  "expected"/"delivered"
 *   compare the messages DUE in the window with those that arrived up to the end of the
 *   drain, slow clients left out; "loss" is 1 - delivered/expected.  Latency covers
 *   the same messages.  If another process publishes, expected is 0 and loss null.
 *   A mark split over two continuation frames is not seen (servers do not do this in practice).
 *
 *   Of a measuring tool of the same name, with --ready, --note, --paths, --plain, --slow-mss, "pid_cpu", "pid_idle_mb" and
 *   the %r of --hello added.
 *
 * LIMITS  needs `ulimit -n` > N + 20 (it raises its own soft limit up to the hard one).
 *         Frames over 4 MiB and masked server frames are protocol errors.
 *
 * EXIT    0 done; 1 some connections could not be opened or were lost; 2 usage / fatal.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif

enum { MAX_FRAME = 4 << 20, READ_CHUNK = 256 << 10, MAX_EVENTS = 1024, MAX_PIDS = 64,
       MAX_OUT = 1 << 20, MAX_RETRIES = 5 };

/* ------------------------------------------------------------------ small helpers */

static void die(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("wsload: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void *xrealloc(void *p, size_t n)
{
    p = realloc(p, n);
    if (!p)
        die("out of memory");
    return p;
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000ull + (uint64_t)ts.tv_nsec;
}

/* xorshift64*: masking keys and nonces need to be varied here, not secret */
static uint64_t rng_state;
static uint64_t rnd(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 2685821657736338717ull;
}

/* Undo \n \r \t \\ in place (for --hello, --prefix, --suffix, --header). */
static char *unescape(char *s)
{
    char *o = s;
    for (char *i = s; *i; i++) {
        if (*i == '\\' && i[1]) {
            i++;
            *o++ = *i == 'n' ? '\n' : *i == 'r' ? '\r' : *i == 't' ? '\t' : *i;
        } else {
            *o++ = *i;
        }
    }
    *o = 0;
    return s;
}

static void sha1(const uint8_t *msg, size_t len, uint8_t out[20])
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    uint8_t buf[192] = {0};
    size_t total = ((len + 8) / 64 + 1) * 64;
    if (total > sizeof buf)
        die("sha1: message too long");
    memcpy(buf, msg, len);
    buf[len] = 0x80;
    for (int i = 0; i < 8; i++)
        buf[total - 1 - i] = (uint8_t)((uint64_t)len * 8 >> (8 * i));
    for (size_t off = 0; off < total; off += 64) {
        uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)buf[off + 4 * i] << 24 | (uint32_t)buf[off + 4 * i + 1] << 16 |
                   (uint32_t)buf[off + 4 * i + 2] << 8 | buf[off + 4 * i + 3];
        for (int i = 16; i < 80; i++) {
            uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];
            w[i] = x << 1 | x >> 31;
        }
        for (int i = 0; i < 80; i++) {
            uint32_t f, k;
            if (i < 20)      { f = (b & c) | (~b & d);          k = 0x5A827999; }
            else if (i < 40) { f = b ^ c ^ d;                   k = 0x6ED9EBA1; }
            else if (i < 60) { f = (b & c) | (b & d) | (c & d); k = 0x8F1BBCDC; }
            else             { f = b ^ c ^ d;                   k = 0xCA62C1D6; }
            uint32_t t = (a << 5 | a >> 27) + f + e + k + w[i];
            e = d; d = c; c = b << 30 | b >> 2; b = a; a = t;
        }
        h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e;
    }
    for (int i = 0; i < 5; i++)
        for (int j = 0; j < 4; j++)
            out[4 * i + j] = (uint8_t)(h[i] >> (24 - 8 * j));
}

static void base64(const uint8_t *in, size_t n, char *out)
{
    static const char t[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    while (n > 0) {
        uint32_t v = (uint32_t)in[0] << 16 | (n > 1 ? in[1] << 8 : 0) | (n > 2 ? in[2] : 0);
        *out++ = t[v >> 18];
        *out++ = t[v >> 12 & 63];
        *out++ = n > 1 ? t[v >> 6 & 63] : '=';
        *out++ = n > 2 ? t[v & 63] : '=';
        in += n > 3 ? 3 : n;
        n -= n > 3 ? 3 : n;
    }
    *out = 0;
}

/* ------------------------------------------------------------------ latency histogram
 * Log-linear buckets over microseconds: exact below 128 us, then 64 buckets per octave
 * (values good to 1.6 %). */

enum { SUB = 64, BUCKETS = 2 * SUB + 40 * SUB };
static uint64_t hist[BUCKETS], hist_n, hist_max_us;
static double hist_sum_us;

static void hist_add(uint64_t us)
{
    uint64_t b = us;
    if (us >= 2 * SUB) {
        int e = 63 - __builtin_clzll(us) - 6; /* us >> e lies in [64, 128) */
        b = 2 * SUB + (uint64_t)(e - 1) * SUB + ((us >> e) - SUB);
        if (b >= BUCKETS)
            b = BUCKETS - 1;
    }
    hist[b]++;
    hist_n++;
    hist_sum_us += (double)us;
    if (us > hist_max_us)
        hist_max_us = us;
}

static double hist_ms(double q)
{
    uint64_t want = (uint64_t)(q * (double)hist_n), seen = 0;
    for (int b = 0; b < BUCKETS; b++) {
        seen += hist[b];
        if (hist[b] && seen > want - (want == hist_n)) {
            if (b < 2 * SUB)
                return b / 1000.0;
            int e = (b - 2 * SUB) / SUB + 1;
            uint64_t top = (((uint64_t)((b - 2 * SUB) % SUB) + SUB + 1) << e) - 1;
            return (double)(top < hist_max_us ? top : hist_max_us) / 1000.0;
        }
    }
    return 0;
}

/* ------------------------------------------------------------------ options and state */

static struct {
    char host[64], *path, *prefix, *suffix, *hello, *header, *subproto, *label, *ready, *note, **paths;
    const char *mark;
    int port, n, rooms, pubs, burst, size, slow, rcvbuf, slow_mss, inflight, src_per_ip, n_paths;
    double seconds, warmup, settle, drain, send, poll_us, open_limit;
    bool deflate, plain;
} opt = {.host = "127.0.0.1", .port = 80, .n = 1000, .rooms = 1, .pubs = 1, .burst = 1,
         .size = 250, .inflight = 32, .src_per_ip = 20000, .seconds = 10, .warmup = 2,
         .settle = 0.5, .drain = 3, .open_limit = 60, .mark = "\"ts\":"};

enum state { S_IDLE, S_CONNECTING, S_UPGRADING, S_OPEN, S_DEAD };

struct conn {
    int fd, idx, retries;
    enum state state;
    bool want_write, slow_mode, answered;
    uint64_t msgs;                    /* messages due in the window that arrived here */
    char *left;                       /* bytes of an incomplete frame or response head */
    uint32_t left_len, left_cap;
    char *out;                        /* bytes the kernel would not take yet */
    uint32_t out_len, out_cap;
    char accept[29];                  /* the Sec-WebSocket-Accept we must see */
};

static struct conn *conns;
static int ep;
static char *rbuf;
static size_t mark_len;

static int n_started, n_inflight, n_open, n_answered, n_failed, n_lost, n_slow_closed, n_retries;
static uint64_t w_begin, w_end;       /* the measured window (ns), 0 until it is known */
static bool in_window;
static uint64_t c_frames, c_bytes, c_msgs, c_compressed, c_pings, c_closes; /* in window */
static uint64_t due_sent, expected, delivered, c_stalled, seq;
static char first_error[320];

static void note(const char *fmt, ...)
{
    if (first_error[0])
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(first_error, sizeof first_error, fmt, ap);
    va_end(ap);
}

/* ------------------------------------------------------------------ server processes */

static int pids[MAX_PIDS], n_pids;

struct usage { double user, sys, rss_kb, cpu[MAX_PIDS], rss[MAX_PIDS]; };

static struct usage server_usage(void)
{
    struct usage u = {0};
    double tick = (double)sysconf(_SC_CLK_TCK), page_kb = (double)sysconf(_SC_PAGESIZE) / 1024;
    for (int i = 0; i < n_pids; i++) {
        char name[64], buf[1024];
        snprintf(name, sizeof name, "/proc/%d/stat", pids[i]);
        FILE *f = fopen(name, "r");
        if (!f) {
            note("no such server process: %d", pids[i]);
            continue;
        }
        size_t n = fread(buf, 1, sizeof buf - 1, f);
        fclose(f);
        buf[n] = 0;
        char *p = strrchr(buf, ')');  /* the command name may hold anything */
        unsigned long ut, st;
        long rss;
        if (p && sscanf(p + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu"
                               " %*d %*d %*d %*d %*d %*d %*u %*u %ld", &ut, &st, &rss) == 3) {
            u.user += (double)ut / tick;
            u.sys += (double)st / tick;
            u.cpu[i] = (double)(ut + st) / tick;
            u.rss[i] = (double)rss * page_kb;
            u.rss_kb += u.rss[i];
        }
    }
    return u;
}

static double own_cpu(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* ------------------------------------------------------------------ connections */

static void watch(struct conn *c, int op)
{
    struct epoll_event ev = {.data.ptr = c};
    if (c->slow_mode)
        ev.events = EPOLLRDHUP;       /* EPOLLERR and EPOLLHUP always come */
    else if (c->state == S_CONNECTING)
        ev.events = EPOLLOUT;
    else
        ev.events = EPOLLIN | (c->want_write ? EPOLLOUT : 0);
    if (epoll_ctl(ep, op, c->fd, &ev) < 0)
        die("epoll_ctl: %s", strerror(errno));
}

static void start_connect(struct conn *c);

/* The connection is over: retry it if it never opened, else count it as lost. */
static void drop(struct conn *c, const char *why)
{
    enum state was = c->state;
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    free(c->left);
    free(c->out);
    c->left = c->out = NULL;
    c->left_len = c->left_cap = c->out_len = c->out_cap = 0;
    c->want_write = false;
    c->state = S_DEAD;
    if (was == S_OPEN) {
        n_open--;
        if (c->answered)
            n_answered--;
        else
            n_inflight--;
        if (c->slow_mode)
            n_slow_closed++;
        else {
            n_lost++;
            note("lost: %s", why);
        }
    } else {
        n_inflight--;
        if (c->retries++ < MAX_RETRIES) {
            n_retries++;
            c->state = S_IDLE;
            start_connect(c);
        } else {
            n_failed++;
            note("failed: %s", why);
        }
    }
}

/* Hand bytes to the kernel, keeping what it does not take. False if the socket broke. */
static bool flush_out(struct conn *c)
{
    uint32_t done = 0;
    while (done < c->out_len) {
        ssize_t k = send(c->fd, c->out + done, c->out_len - done, MSG_NOSIGNAL);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            break;
        if (k < 0)
            return false;
        done += (uint32_t)k;
    }
    if (done && done < c->out_len)
        memmove(c->out, c->out + done, c->out_len - done);
    c->out_len -= done;
    bool want = c->out_len > 0;
    if (want != c->want_write && c->state != S_CONNECTING) {
        c->want_write = want;
        watch(c, EPOLL_CTL_MOD);
    }
    return true;
}

static char *reserve_out(struct conn *c, size_t n)
{
    if (c->out_len + n > c->out_cap) {
        c->out_cap = (uint32_t)(c->out_len + n);
        c->out = xrealloc(c->out, c->out_cap);
    }
    return c->out + c->out_len;
}

/* Queue one masked client frame. */
static void queue_frame(struct conn *c, int opcode, const char *data, size_t len)
{
    uint8_t *o = (uint8_t *)reserve_out(c, len + 14), *p = o;
    *p++ = (uint8_t)(0x80 | opcode);
    if (len < 126) {
        *p++ = (uint8_t)(0x80 | len);
    } else if (len < 65536) {
        *p++ = 0x80 | 126;
        *p++ = (uint8_t)(len >> 8);
        *p++ = (uint8_t)len;
    } else {
        *p++ = 0x80 | 127;
        for (int i = 7; i >= 0; i--)
            *p++ = (uint8_t)((uint64_t)len >> (8 * i));
    }
    uint32_t key32 = (uint32_t)rnd();
    uint8_t key[4];
    memcpy(key, &key32, 4);
    memcpy(p, key, 4);
    p += 4;
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)data[i] ^ key[i & 3];
    c->out_len += (uint32_t)(p - o + (ptrdiff_t)len);
}

/* Write the request path with %d and %r replaced; other % signs stay as they are. */
static size_t expand_path(char *out, size_t cap, const char *path, int idx)
{
    size_t o = 0;
    for (; *path && o + 12 < cap; path++) {
        if (path[0] == '%' && (path[1] == 'd' || path[1] == 'r')) {
            o += (size_t)snprintf(out + o, cap - o, "%d", path[1] == 'd' ? idx : idx % opt.rooms);
            path++;
        } else {
            out[o++] = *path;
        }
    }
    out[o] = 0;
    return o;
}

static void queue_handshake(struct conn *c)
{
    uint64_t nonce[2] = {rnd(), rnd()};
    char key[32], path[2048], cat[80];
    uint8_t digest[20];
    base64((uint8_t *)nonce, 16, key);
    int n = snprintf(cat, sizeof cat, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
    sha1((uint8_t *)cat, (size_t)n, digest);
    base64(digest, 20, c->accept);
    const char *asked = opt.path;
    if (opt.n_paths)
        asked = opt.paths[c->idx < opt.n_paths ? c->idx : opt.n_paths - 1];
    expand_path(path, sizeof path, asked, c->idx);
    size_t cap = strlen(path) + 512 + (opt.header ? strlen(opt.header) : 0) +
                 (opt.subproto ? strlen(opt.subproto) : 0);
    char *o = reserve_out(c, cap);
    c->out_len += (uint32_t)snprintf(
        o, cap,
        "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s%s%s%s%s%s\r\n",
        path, opt.host, opt.port, key,
        opt.deflate ? "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" : "",
        opt.subproto ? "Sec-WebSocket-Protocol: " : "", opt.subproto ? opt.subproto : "",
        opt.subproto ? "\r\n" : "", opt.header ? opt.header : "", opt.header ? "\r\n" : "");
}

static void start_connect(struct conn *c)
{
    struct sockaddr_in src = {.sin_family = AF_INET}, dst = {.sin_family = AF_INET};
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        die("socket: %s (raise ulimit -n)", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->idx < opt.slow && opt.rcvbuf)
        setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &opt.rcvbuf, sizeof opt.rcvbuf);
    if (c->idx < opt.slow && opt.slow_mss)
        setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &opt.slow_mss, sizeof opt.slow_mss);
    dst.sin_port = htons((uint16_t)opt.port);
    if (inet_pton(AF_INET, opt.host, &dst.sin_addr) != 1)
        die("not an IPv4 address: %s", opt.host);
    if ((ntohl(dst.sin_addr.s_addr) >> 24) == 127 && opt.n > opt.src_per_ip) {
        src.sin_addr.s_addr = htonl(0x7f000001u + (uint32_t)(c->idx / opt.src_per_ip));
        setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
        if (bind(c->fd, (struct sockaddr *)&src, sizeof src) < 0)
            die("bind: %s", strerror(errno));
    }
    n_inflight++;
    c->state = S_CONNECTING;
    if (connect(c->fd, (struct sockaddr *)&dst, sizeof dst) < 0 && errno != EINPROGRESS) {
        if (errno == ECONNREFUSED || errno == EADDRNOTAVAIL)
            die("connect: %s", strerror(errno));
        drop(c, strerror(errno));
        return;
    }
    watch(c, EPOLL_CTL_ADD);
}

/* Check the server's answer to the upgrade. Returns bytes used, 0 = need more, -1 = refused. */
static ssize_t parse_upgrade(struct conn *c, char *b, size_t n)
{
    char *end = memmem(b, n, "\r\n\r\n", 4);
    if (!end)
        return n > 16384 ? -1 : 0;
    *end = 0;
    if (strncmp(b, "HTTP/1.1 101", 12) != 0) {
        note("refused: %.60s", b);
        return -1;
    }
    char *h = strcasestr(b, "\r\nsec-websocket-accept:");
    if (h)
        h += strspn(h + 23, " \t") + 23;
    if (!h || strncmp(h, c->accept, 28) != 0) {
        note("bad Sec-WebSocket-Accept");
        return -1;
    }
    return end + 4 - b;
}

/* The connection is as open as it was asked to be. */
static void settled(struct conn *c)
{
    c->answered = true;
    n_inflight--;
    n_answered++;
    if (c->idx < opt.slow) {
        c->slow_mode = true;
        watch(c, EPOLL_CTL_MOD);
    }
}

/* Find every timestamp in a payload; count deliveries and latencies. */
static void scan_payload(struct conn *c, const char *p, size_t len, uint64_t now)
{
    const char *end = p + len;
    while ((p = memmem(p, (size_t)(end - p), opt.mark, mark_len))) {
        uint64_t ts = 0;
        p += mark_len;
        while (p < end && (*p == ' ' || *p == '"'))
            p++;
        for (; p < end && *p >= '0' && *p <= '9'; p++)
            ts = ts * 10 + (uint64_t)(*p - '0');
        if (in_window)
            c_msgs++;
        if (ts >= w_begin && ts < w_end && w_begin) {
            delivered++;
            c->msgs++;
            hist_add(now > ts ? (now - ts) / 1000 : 0);
        }
    }
}

/* Parse all whole frames in b. Returns bytes used, or -1 after a protocol error or close. */
static ssize_t parse_frames(struct conn *c, char *b, size_t n, uint64_t now)
{
    size_t off = 0;
    while (n - off >= 2) {
        uint8_t *f = (uint8_t *)b + off;
        size_t head = 2;
        uint64_t len = f[1] & 0x7f;
        if (f[1] & 0x80) {
            note("protocol error: masked server frame");
            return -1;
        }
        if (len == 126) {
            if (n - off < 4)
                break;
            len = (uint64_t)f[2] << 8 | f[3];
            head = 4;
        } else if (len == 127) {
            if (n - off < 10)
                break;
            len = 0;
            for (int i = 0; i < 8; i++)
                len = len << 8 | f[2 + i];
            head = 10;
        }
        if (len > MAX_FRAME) {
            note("frame of %llu bytes is over the limit", (unsigned long long)len);
            return -1;
        }
        if (n - off < head + len)
            break;
        char *payload = b + off + head;
        bool compressed = f[0] & 0x40;
        switch (f[0] & 0x0f) {
        case 0: case 1: case 2:       /* continuation, text, binary */
            if (in_window) {
                c_frames++;
                c_bytes += head + len;
                c_compressed += compressed;
                if (compressed)
                    c_msgs++;
            }
            if (opt.note && !compressed && memmem(payload, len, opt.note, strlen(opt.note)))
                note("%.*s", (int)len, payload);
            if (opt.ready && !c->answered && memmem(payload, len, opt.ready, strlen(opt.ready)))
                settled(c);
            if (!compressed)
                scan_payload(c, payload, len, now);
            break;
        case 8:
            c_closes++;
            note("closed by server, code %d",
                 len >= 2 ? (uint8_t)payload[0] << 8 | (uint8_t)payload[1] : 1005);
            return -1;
        case 9:
            c_pings++;
            queue_frame(c, 10, payload, len);
            if (!flush_out(c))
                return -1;
            break;
        case 10:
            break;
        default:
            note("protocol error: opcode %d", f[0] & 0x0f);
            return -1;
        }
        off += head + len;
    }
    return (ssize_t)off;
}

static void on_open(struct conn *c)
{
    c->state = S_OPEN;
    n_open++;
    if (opt.hello) {
        char hello[2048];
        queue_frame(c, 1, hello, expand_path(hello, sizeof hello, opt.hello, c->idx));
    }
    if (opt.hello && !flush_out(c)) {
        drop(c, "write failed");
        return;
    }
    if (!opt.ready)
        settled(c);
}

static void on_readable(struct conn *c)
{
    size_t have = c->left_len;
    if (have)
        memcpy(rbuf, c->left, have);
    ssize_t k = recv(c->fd, rbuf + have, READ_CHUNK, 0);
    if (k <= 0) {
        if (k < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        drop(c, k == 0 ? "end of stream" : strerror(errno));
        return;
    }
    uint64_t now = now_ns();
    size_t n = have + (size_t)k, used = 0;
    if (c->state == S_UPGRADING) {
        ssize_t u = parse_upgrade(c, rbuf, n);
        if (u < 0) {
            drop(c, "handshake refused");
            return;
        }
        used = (size_t)u;
        if (u > 0)
            on_open(c);
    }
    if (c->state == S_OPEN) {
        ssize_t u = parse_frames(c, rbuf + used, n - used, now);
        if (u < 0) {
            drop(c, "closed");
            return;
        }
        used += (size_t)u;
    }
    if (c->state == S_DEAD || c->state == S_IDLE)
        return;
    c->left_len = (uint32_t)(n - used);
    if (c->left_len > c->left_cap) {
        c->left_cap = c->left_len;
        c->left = xrealloc(c->left, c->left_cap);
    }
    if (c->left_len)
        memcpy(c->left, rbuf + used, c->left_len);
    if (!c->left_len && c->left_cap > 65536) {
        free(c->left);
        c->left = NULL;
        c->left_cap = 0;
    }
}

static void on_event(struct conn *c, uint32_t ev)
{
    if (c->fd < 0)
        return;                       /* dropped earlier in this batch */
    if (c->slow_mode) {
        if (ev & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
            drop(c, "slow client closed");
        return;
    }
    if (c->state == S_CONNECTING) {
        int err = 0;
        socklen_t sl = sizeof err;
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &sl);
        if (err) {
            drop(c, strerror(err));
            return;
        }
        queue_handshake(c);
        c->state = S_UPGRADING;
        watch(c, EPOLL_CTL_MOD);
        if (!flush_out(c))
            drop(c, "write failed");
        return;
    }
    if ((ev & EPOLLOUT) && !flush_out(c)) {
        drop(c, "write failed");
        return;
    }
    if (ev & (EPOLLIN | EPOLLHUP | EPOLLERR))
        on_readable(c);
}

/* ------------------------------------------------------------------ publishing */

/* Build one message of opt.size bytes and queue it on c. */
static void publish(struct conn *c, uint64_t ts, int readers)
{
    static char *buf;
    static size_t cap;
    if (!buf) {
        cap = (size_t)opt.size + 512 + (opt.prefix ? strlen(opt.prefix) : 0) +
              (opt.suffix ? strlen(opt.suffix) : 0);
        buf = xrealloc(NULL, cap);
    }
    if (c->out_len > MAX_OUT) {
        c_stalled++;
        return;
    }
    size_t o = 0;
    for (const char *s = opt.prefix; s && *s; s++) {
        if (s[0] == '%' && s[1] == 'L') {
            o += (size_t)sprintf(buf + o, "%d", opt.size);
            s++;
        } else {
            buf[o++] = *s;
        }
    }
    size_t at = o;
    o += opt.plain ? (size_t)snprintf(buf + o, cap - o, "%s%llu ", opt.mark, (unsigned long long)ts)
                   : (size_t)snprintf(buf + o, cap - o,
                          "{\"type\":\"chat\",\"seq\":%llu,\"ts\":%llu,\"uid\":%d,\"name\":\"viewer%d\","
                          "\"level\":7,\"color\":\"#ffcc00\",\"text\":\"",
                          (unsigned long long)seq, (unsigned long long)ts, c->idx, c->idx);
    for (; o - at + 2 < (size_t)opt.size; o++)
        buf[o] = (char)('a' + (o + seq * 7) % 26);
    buf[o++] = opt.plain ? '.' : '"';
    buf[o++] = opt.plain ? '.' : '}';
    for (const char *s = opt.suffix; s && *s; s++)
        buf[o++] = *s;
    seq++;
    queue_frame(c, 1, buf, o);
    if (!flush_out(c)) {
        drop(c, "write failed");
        return;
    }
    if (w_begin && ts >= w_begin && ts < w_end) {
        due_sent++;
        expected += (uint64_t)readers;
    }
}

/* ------------------------------------------------------------------ event loop */

/* Wait for events, at most until the given time, and handle one batch. */
static void turn(uint64_t until)
{
    static bool no_pwait2;
    static uint64_t last_poll;
    struct epoll_event ev[MAX_EVENTS];
    uint64_t now = now_ns();
    if (opt.poll_us > 0) {
        uint64_t next = last_poll + (uint64_t)(opt.poll_us * 1000);
        if (next > until)
            next = until;
        if (next > now) {
            struct timespec t = {(time_t)(next / 1000000000), (long)(next % 1000000000)};
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
            now = now_ns();
        }
        last_poll = now;
    }
    uint64_t wait = until > now ? until - now : 0;
    int k;
    if (!no_pwait2) {
        struct timespec t = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)};
        k = (int)syscall(SYS_epoll_pwait2, ep, ev, MAX_EVENTS, &t, NULL, 0);
        if (k < 0 && errno == ENOSYS) {
            no_pwait2 = true;
            return;
        }
    } else {
        k = epoll_wait(ep, ev, MAX_EVENTS, (int)(wait / 1000000));
    }
    for (int i = 0; i < k; i++)
        on_event(ev[i].data.ptr, ev[i].events);
}

static void usage(void)
{
    fputs("usage: wsload --url ws://host:port/path[%d] [--n N] [--seconds S] [--warmup S]\n"
          "  [--send M] [--pubs P] [--burst B] [--size BYTES] [--slow K] [--pids A,B] ...\n"
          "  (every option is described at the head of wsload.c)\n", stderr);
    exit(2);
}

static void parse_url(const char *url)
{
    char host[64];
    int n = 0;
    if (strncmp(url, "ws://", 5) != 0)
        die("--url must begin with ws://");
    if (sscanf(url + 5, "%63[^:/]%n", host, &n) != 1)
        die("bad --url");
    strcpy(opt.host, strcmp(host, "localhost") ? host : "127.0.0.1");
    const char *p = url + 5 + n;
    if (*p == ':')
        opt.port = (int)strtol(p + 1, (char **)&p, 10);
    opt.path = strdup(*p ? p : "/");
}

static void read_paths(const char *name)
{
    FILE *f = fopen(name, "r");
    char line[2048];
    if (!f)
        die("--paths %s: %s", name, strerror(errno));
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        opt.paths = xrealloc(opt.paths, (size_t)(opt.n_paths + 1) * sizeof *opt.paths);
        opt.paths[opt.n_paths++] = strdup(line);
    }
    fclose(f);
}

static void parse_options(int argc, char **argv)
{
    enum { O_URL = 256, O_N, O_ROOMS, O_SECONDS, O_WARMUP, O_SETTLE, O_DRAIN, O_SEND, O_PUBS,
           O_BURST, O_SIZE, O_PREFIX, O_SUFFIX, O_HELLO, O_MARK, O_HEADER, O_SUBPROTO,
           O_DEFLATE, O_SLOW, O_RCVBUF, O_INFLIGHT, O_POLL, O_SRC, O_PIDS, O_LABEL,
           O_OPEN_LIMIT, O_READY, O_NOTE, O_PATHS, O_PLAIN, O_SLOW_MSS };
    static const struct option lo[] = {
        {"url", 1, 0, O_URL}, {"n", 1, 0, O_N}, {"rooms", 1, 0, O_ROOMS},
        {"seconds", 1, 0, O_SECONDS}, {"warmup", 1, 0, O_WARMUP}, {"settle", 1, 0, O_SETTLE},
        {"drain", 1, 0, O_DRAIN}, {"send", 1, 0, O_SEND}, {"pubs", 1, 0, O_PUBS},
        {"burst", 1, 0, O_BURST}, {"size", 1, 0, O_SIZE}, {"prefix", 1, 0, O_PREFIX},
        {"suffix", 1, 0, O_SUFFIX}, {"hello", 1, 0, O_HELLO}, {"mark", 1, 0, O_MARK},
        {"header", 1, 0, O_HEADER}, {"subproto", 1, 0, O_SUBPROTO}, {"deflate", 0, 0, O_DEFLATE},
        {"slow", 1, 0, O_SLOW}, {"rcvbuf", 1, 0, O_RCVBUF}, {"inflight", 1, 0, O_INFLIGHT},
        {"poll-us", 1, 0, O_POLL}, {"src-per-ip", 1, 0, O_SRC}, {"pids", 1, 0, O_PIDS},
        {"label", 1, 0, O_LABEL}, {"open-limit", 1, 0, O_OPEN_LIMIT},
        {"ready", 1, 0, O_READY}, {"note", 1, 0, O_NOTE},
        {"paths", 1, 0, O_PATHS}, {"plain", 0, 0, O_PLAIN},
        {"slow-mss", 1, 0, O_SLOW_MSS}, {0, 0, 0, 0}};
    int o;
    while ((o = getopt_long(argc, argv, "", lo, NULL)) != -1) {
        switch (o) {
        case O_URL:      parse_url(optarg); break;
        case O_N:        opt.n = atoi(optarg); break;
        case O_ROOMS:    opt.rooms = atoi(optarg); break;
        case O_SECONDS:  opt.seconds = atof(optarg); break;
        case O_WARMUP:   opt.warmup = atof(optarg); break;
        case O_SETTLE:   opt.settle = atof(optarg); break;
        case O_DRAIN:    opt.drain = atof(optarg); break;
        case O_SEND:     opt.send = atof(optarg); break;
        case O_PUBS:     opt.pubs = atoi(optarg); break;
        case O_BURST:    opt.burst = atoi(optarg); break;
        case O_SIZE:     opt.size = atoi(optarg); break;
        case O_PREFIX:   opt.prefix = unescape(optarg); break;
        case O_SUFFIX:   opt.suffix = unescape(optarg); break;
        case O_HELLO:    opt.hello = unescape(optarg); break;
        case O_MARK:     opt.mark = optarg; break;
        case O_HEADER:   opt.header = unescape(optarg); break;
        case O_SUBPROTO: opt.subproto = optarg; break;
        case O_DEFLATE:  opt.deflate = true; break;
        case O_SLOW:     opt.slow = atoi(optarg); break;
        case O_RCVBUF:   opt.rcvbuf = atoi(optarg); break;
        case O_INFLIGHT: opt.inflight = atoi(optarg); break;
        case O_POLL:     opt.poll_us = atof(optarg); break;
        case O_SRC:      opt.src_per_ip = atoi(optarg); break;
        case O_LABEL:    opt.label = optarg; break;
        case O_READY:    opt.ready = optarg; break;
        case O_NOTE:     opt.note = optarg; break;
        case O_PATHS:    read_paths(optarg); break;
        case O_PLAIN:    opt.plain = true; break;
        case O_SLOW_MSS: opt.slow_mss = atoi(optarg); break;
        case O_OPEN_LIMIT: opt.open_limit = atof(optarg); break;
        case O_PIDS:
            for (char *t = strtok(optarg, ","); t && n_pids < MAX_PIDS; t = strtok(NULL, ","))
                pids[n_pids++] = atoi(t);
            break;
        default:         usage();
        }
    }
    if (!opt.path || optind != argc || opt.n < 1 || opt.rooms < 1 || opt.pubs < 1 ||
        opt.burst < 1 || opt.inflight < 1 || opt.src_per_ip < 1 || opt.slow < 0 || opt.seconds <= 0 ||
        opt.size < 0 || !opt.mark[0])
        usage();
    if (opt.send > 0 && opt.slow + opt.pubs > opt.n)
        die("--slow + --pubs must not exceed --n: publishers are reading clients");
    mark_len = strlen(opt.mark);
}

/* JSON string output: the only inputs are --label and our own notes. */
static void put_json(const char *s)
{
    putchar('"');
    for (; s && *s; s++) {
        if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else
            putchar((unsigned char)*s < 32 ? ' ' : *s);
    }
    putchar('"');
}

static int open_all(void)
{
    uint64_t limit = now_ns() + (uint64_t)(opt.open_limit * 1e9);
    while (n_answered + n_failed + n_lost + n_slow_closed < opt.n && now_ns() < limit) {
        while (n_inflight < opt.inflight && n_started < opt.n)
            start_connect(&conns[n_started++]);
        turn(now_ns() + 50000000);
    }
    return opt.n - n_answered;
}

int main(int argc, char **argv)
{
    parse_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    if (getrandom(&rng_state, sizeof rng_state, 0) != sizeof rng_state || !rng_state)
        rng_state = 88172645463325252ull;
    struct rlimit rl;
    getrlimit(RLIMIT_NOFILE, &rl);
    rl.rlim_cur = rl.rlim_max;
    setrlimit(RLIMIT_NOFILE, &rl);
    if (rl.rlim_cur < (rlim_t)opt.n + 20)
        die("%d connections need ulimit -n of %d, the hard limit is %llu", opt.n, opt.n + 20,
            (unsigned long long)rl.rlim_cur);

    ep = epoll_create1(EPOLL_CLOEXEC);
    rbuf = xrealloc(NULL, MAX_FRAME + READ_CHUNK + 16);
    conns = calloc((size_t)opt.n, sizeof *conns);
    int *readers = calloc((size_t)opt.rooms, sizeof *readers);
    if (!conns || !readers || ep < 0)
        die("out of memory");
    for (int i = 0; i < opt.n; i++) {
        conns[i].fd = -1;
        conns[i].idx = i;
        if (i >= opt.slow)
            readers[i % opt.rooms]++;
    }

    struct usage u_start = server_usage();
    uint64_t t0 = now_ns();
    int missing = open_all();
    double open_s = (double)(now_ns() - t0) / 1e9;
    struct usage u_open = server_usage();
    if (missing)
        note("%d connections not open", missing);

    uint64_t t = now_ns() + (uint64_t)(opt.settle * 1e9);
    while (now_ns() < t)
        turn(t);
    struct usage u_idle = server_usage(), u0 = {0}, u1 = {0};
    double cpu0 = 0, cpu1 = 0;

    /* The run: publish from `begin` to w_end; the window is [w_begin, w_end). */
    uint64_t begin = now_ns(), sent = 0;
    w_begin = begin + (uint64_t)(opt.warmup * 1e9) + 1;
    w_end = w_begin + (uint64_t)(opt.seconds * 1e9);
    uint64_t stop = w_end + (uint64_t)(opt.drain * 1e9), closed_at = 0, opened_at = 0;
    double gap = opt.send > 0 ? 1e9 * opt.burst / opt.send : 0;
    for (;;) {
        uint64_t now = now_ns();
        if (!in_window && !closed_at && now >= w_begin) {
            u0 = server_usage();
            cpu0 = own_cpu();
            in_window = true;
            opened_at = now_ns();
        }
        if (in_window && now >= w_end) {
            in_window = false;
            closed_at = now_ns();
            u1 = server_usage();
            cpu1 = own_cpu();
        }
        uint64_t next = !opened_at ? w_begin : !closed_at ? w_end : stop;
        if (gap > 0) {
            uint64_t due;
            while ((due = begin + (uint64_t)((double)sent * gap)) <= now && due < w_end) {
                for (int b = 0; b < opt.burst; b++) {
                    int p = (int)((sent * (uint64_t)opt.burst + (uint64_t)b) % (uint64_t)opt.pubs);
                    struct conn *c = &conns[opt.slow + p];
                    if (c->state == S_OPEN)
                        publish(c, due, readers[c->idx % opt.rooms]);
                }
                sent++;
            }
            if (due < w_end && due < next)
                next = due;
        }
        if (now >= stop || (closed_at && now >= w_end + 100000000 && delivered >= expected))
            break;
        if (closed_at && next > now + 20000000)
            next = now + 20000000;
        turn(next);
    }
    struct usage u_end = server_usage();

    uint64_t lo = UINT64_MAX, hi = 0;
    for (int i = opt.slow; i < opt.n; i++) {
        if (conns[i].msgs < lo) lo = conns[i].msgs;
        if (conns[i].msgs > hi) hi = conns[i].msgs;
    }
    double win = (double)(closed_at - opened_at) / 1e9;
    double cpu = u1.user + u1.sys - u0.user - u0.sys;
    double per = c_msgs ? 1e6 / (double)c_msgs : 0;
    printf("{\"label\":");
    put_json(opt.label);
    printf(",\"n\":%d,\"open\":%d,\"ready\":%d,\"failed\":%d,\"lost\":%d,\"retries\":%d,\"slow\":%d,"
           "\"slow_closed\":%d,\"connect_s\":%.3f,\"handshakes_per_s\":%.0f",
           opt.n, n_open, n_answered, n_failed, n_lost, n_retries, opt.slow, n_slow_closed, open_s,
           (opt.n - missing) / open_s);
    printf(",\"window_s\":%.3f,\"sent\":%llu,\"send_stalled\":%llu,\"frames\":%llu,\"bytes\":%llu,"
           "\"compressed\":%llu,\"pings\":%llu,\"closes\":%llu,\"msgs\":%llu,\"rate\":%.0f,"
           "\"frame_rate\":%.0f,\"MBps\":%.2f",
           win, (unsigned long long)due_sent, (unsigned long long)c_stalled,
           (unsigned long long)c_frames, (unsigned long long)c_bytes,
           (unsigned long long)c_compressed, (unsigned long long)c_pings,
           (unsigned long long)c_closes, (unsigned long long)c_msgs, (double)c_msgs / win,
           (double)c_frames / win, (double)c_bytes / win / 1e6);
    printf(",\"expected\":%llu,\"delivered\":%llu,\"loss\":", (unsigned long long)expected,
           (unsigned long long)delivered);
    if (expected)
        printf("%.6f", 1 - (double)delivered / (double)expected);
    else
        printf("null");
    printf(",\"client_msgs_min\":%llu,\"client_msgs_max\":%llu", (unsigned long long)lo,
           (unsigned long long)hi);
    if (hist_n)
        printf(",\"lat_ms\":{\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"p999\":%.3f,"
               "\"max\":%.3f}",
               hist_sum_us / (double)hist_n / 1000, hist_ms(.5), hist_ms(.9), hist_ms(.99),
               hist_ms(.999), (double)hist_max_us / 1000.0);
    printf(",\"client_cpu\":%.3f,\"client_us_per_msg\":%.3f", (cpu1 - cpu0) / win,
           (cpu1 - cpu0) * per);
    if (n_pids)
        printf(",\"server_cpu\":%.3f,\"server_user\":%.3f,\"server_sys\":%.3f,"
               "\"server_us_per_msg\":%.3f,\"connect_cpu_us\":%.1f,\"rss_mb\":[%.1f,%.1f,%.1f],"
               "\"rss_kb_per_conn\":%.2f",
               cpu / win, (u1.user - u0.user) / win, (u1.sys - u0.sys) / win, cpu * per,
               (u_open.user + u_open.sys - u_start.user - u_start.sys) * 1e6 / opt.n,
               u_start.rss_kb / 1024, u_idle.rss_kb / 1024, u_end.rss_kb / 1024,
               (u_idle.rss_kb - u_start.rss_kb) / opt.n);
    if (n_pids) {
        printf(",\"pid_cpu\":[");
        for (int i = 0; i < n_pids; i++)
            printf("%s%.2f", i ? "," : "", u1.cpu[i] - u0.cpu[i]);
        printf("],\"pid_idle_mb\":[");
        for (int i = 0; i < n_pids; i++)
            printf("%s%.2f", i ? "," : "", u_idle.rss[i] / 1024);
        putchar(']');
    }
    printf(",\"error\":");
    if (first_error[0])
        put_json(first_error);
    else
        printf("null");
    puts("}");
    fflush(stdout);
    free(readers);
    return n_lost || missing ? 1 : 0;
}
