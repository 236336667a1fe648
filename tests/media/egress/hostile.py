"""Addresses that lead inside, and documents that name them. In braces: ports and paths of the canaries, and of the server that serves all
of it (`{outside}`: its address and port)."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass

LINES = r"""
http://127.0.0.1:{http}/x.ts
https://127.0.0.1:{http}/x.ts
HTTP://127.0.0.1:{http}/x.ts
http://127.0.0.1:{http}
http://127.0.0.1:{redis}/x.ts
http://127.0.0.1:{http}/%0d%0aX
http://127.8.8.8:{http}/x.ts
http://0.0.0.0:{http}/x.ts
http://0:{http}/x.ts
http://127.1:{http}/x.ts
http://127.0.1:{http}/x.ts
http://2130706433:{http}/x.ts
http://0x7f000001:{http}/x.ts
http://0x7f.0.0.1:{http}/x.ts
http://017700000001:{http}/x.ts
http://0177.0.0.1:{http}/x.ts
http://127.0.0.1.:{http}/x.ts
http://localhost:{http}/x.ts
http://localhost.:{http}/x.ts
http://LOCALHOST:{http}/x.ts
http://inside.example:{http}/x.ts
http://inside.example.:{http}/x.ts
http://six.example:{http}/x.ts
http://mapped.example:{http}/x.ts
http://mixed.example:{http}/x.ts
http://unspecified.example:{http}/x.ts
http://nat64.example:{http}/x.ts
http://zone.example:{http}/x.ts
http://nonsense.example:{http}/x.ts
http://private.example:{http}/x.ts
http://metadata.example/latest/x.ts
http://169.254.169.254/latest/x.ts
http://[fd00:ec2::254]/latest/x.ts
http://[::1]:{http}/x.ts
http://[::]:{http}/x.ts
http://[::ffff:127.0.0.1]:{http}/x.ts
http://[::ffff:7f00:1]:{http}/x.ts
http://[0:0:0:0:0:ffff:127.0.0.1]:{http}/x.ts
http://[::127.0.0.1]:{http}/x.ts
http://[64:ff9b::7f00:1]:{http}/x.ts
http://[2002:7f00:1::]:{http}/x.ts
http://[::1%25lo]:{http}/x.ts
http://[::1%lo]:{http}/x.ts
http://{outside}@127.0.0.1:{http}/x.ts
http://user:pass@127.0.0.1:{http}/x.ts
http://{outside}\@127.0.0.1:{http}/x.ts
http://127.0.0.1:{http}\@{outside}/x.ts
http://127.0.0.1:{http}#@{outside}/x.ts
http://{outside}#@127.0.0.1:{http}/x.ts
http://127.0.0.1:{http}?@{outside}/x.ts
http://127.0.0.1:{http}:80/x.ts
http://127.0.0.1%2f:{http}/x.ts
http://127.0.0.1%00.example:{http}/x.ts
http://①②⑦.⓪.⓪.①:{http}/x.ts
http://127。0。0。1:{http}/x.ts
http:/127.0.0.1:{http}/x.ts
http:127.0.0.1:{http}/x.ts
http:///127.0.0.1:{http}/x.ts
http:////127.0.0.1:{http}/x.ts
http:\\127.0.0.1:{http}\x.ts
//127.0.0.1:{http}/x.ts
\\127.0.0.1:{http}\x.ts
httpproxy://127.0.0.1:{redis}/x:1
httpproxy://127.0.0.1:{http}/127.0.0.1:{redis}
http+unix://{unix}/x.ts
tcp://127.0.0.1:{redis}
tcp://127.0.0.1:{redis}/x.ts
tls://127.0.0.1:{redis}
rtmp://127.0.0.1:{rtmp}/live/x
rtmps://127.0.0.1:{rtmp}/live/x
rtmpt://127.0.0.1:{http}/live/x
rtmpts://127.0.0.1:{http}/live/x
rtmpe://127.0.0.1:{rtmp}/live/x
rtmp://inside.example:{rtmp}/live/x
rtmp://127.0.0.1:{rtmp}/live/x tcUrl=rtmp://{outside}/live
ffrtmphttp://127.0.0.1:{http}/x
rtsp://127.0.0.1:{rtmp}/x
rtsp://inside.example:{rtmp}/x
rtsps://127.0.0.1:{rtmp}/x
srt://127.0.0.1:{udp}
srt://127.0.0.1:{udp}?mode=rendezvous
srt://inside.example:{udp}
udp://127.0.0.1:{udp}
udplite://127.0.0.1:{udp}
rtp://127.0.0.1:{udp}
srtp://127.0.0.1:{udp}
rist://127.0.0.1:{udp}
sctp://127.0.0.1:{redis}
mmsh://127.0.0.1:{http}/x
mmst://127.0.0.1:{redis}/x
gopher://127.0.0.1:{redis}/1FLUSHALL
gophers://127.0.0.1:{redis}/1x
ftp://127.0.0.1:{redis}/x.ts
sftp://127.0.0.1:{redis}/x.ts
amqp://127.0.0.1:{redis}/x
zmq:tcp://127.0.0.1:{redis}
icecast://127.0.0.1:{http}/x
ipfs://QmbGtJg23skhvFmu9mJiePVByhfzu5rwo74MEkVDYAmF5T
ipns://x
unix:{unix}
unix://{unix}
file:{file}
file://{file}
file://localhost{file}
FILE:{file}
file,{file}
{file}
../../../../../../../../../../../..{file}
file:../../../../../../../../../../../..{file}
pipe:0
fd:0
concat:{file}|{file}
concat:http://127.0.0.1:{http}/a|http://127.0.0.1:{http}/b
concatf:{file}
subfile,,start,0,end,60,,:{file}
subfile,,start,0,end,0,,:http://127.0.0.1:{http}/x.ts
crypto:{file}
crypto+file://{file}
crypto:http://127.0.0.1:{http}/x.ts
crypto+http://127.0.0.1:{http}/x.ts
crypto+https://127.0.0.1:{http}/x.ts
crypto+tcp://127.0.0.1:{redis}
async:{file}
async:http://127.0.0.1:{http}/x.ts
cache:{file}
cache:http://127.0.0.1:{http}/x.ts
hls:{file}
hls+http://127.0.0.1:{http}/x.m3u8
hls+file://{file}
bluray:{file}
tee:{file}|http://127.0.0.1:{http}/x
md5:{file}
prompeg:l=8:d=4
data:application/x-mpegurl;base64,{list64}
data:video/mp2t,x
"""
SPELLINGS = [line for line in LINES.splitlines() if line]
# The same, where blanks around an address count.
SPACED = [
    " http://127.0.0.1:{http}/x.ts",
    "\thttp://127.0.0.1:{http}/x.ts",
    "http://127.0.0.1:{http}/x.ts\r",
    "ht\ttp://127.0.0.1:{http}/x.ts",
]
FEW = [
    "http://127.0.0.1:{http}/x.ts", "https://127.0.0.1:{http}/x.ts", "http://inside.example:{http}/x.ts", "http://localhost.:{http}/x.ts",
    "http://[::ffff:127.0.0.1]:{http}/x.ts", "//127.0.0.1:{http}/x.ts", "httpproxy://127.0.0.1:{redis}/x:1", "tcp://127.0.0.1:{redis}",
    "file://{file}", "{file}", "crypto+file://{file}", "unix:{unix}", "rtmp://127.0.0.1:{rtmp}/live/x", "gopher://127.0.0.1:{redis}/1x",
    "udp://127.0.0.1:{udp}", "subfile,,start,0,end,60,,:{file}", "data:application/x-mpegurl;base64,{list64}",
]  # fmt: skip

_HEAD = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:0\n"
_END = "#EXT-X-ENDLIST\n"
GOOD_ENTRY = "#EXTINF:1,\nhttp://{outside}/good.ts\n"
# Each is tried with every spelling …
PLAYLISTS = {
    "segment": _HEAD + "#EXTINF:1,\n{inner}\n" + _END,
    "variant": '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=100000,CODECS="avc1.42c00b"\n{inner}\n',
    "key": _HEAD
    + '#EXT-X-KEY:METHOD=AES-128,URI="{inner}",IV=0x00000000000000000000000000000001\n'
    + GOOD_ENTRY
    + _END,
}
# … and these with a few.
RARE_PLAYLISTS = {
    "bare key": _HEAD + "#EXT-X-KEY:METHOD=AES-128,URI={inner}\n" + GOOD_ENTRY + _END,
    "sample key": _HEAD + '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="{inner}"\n' + GOOD_ENTRY + _END,
    "map": _HEAD + '#EXT-X-MAP:URI="{inner}",BYTERANGE="100@0"\n' + GOOD_ENTRY + _END,
    "second segment": _HEAD + GOOD_ENTRY + "#EXTINF:1,\n{inner}\n" + _END,
    "byte range": _HEAD + "#EXTINF:1,\n#EXT-X-BYTERANGE:100@10\n{inner}\n" + _END,
    "audio": '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x",DEFAULT=YES,URI="{inner}"\n'
    '#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO="a"\nhttp://{outside}/good.m3u8\n',
    "subtitles": '#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="x",DEFAULT=YES,URI="{inner}"\n'
    '#EXT-X-STREAM-INF:BANDWIDTH=100000,SUBTITLES="s"\nhttp://{outside}/good.m3u8\n',
    "key, Windows lines": (_HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="{inner}"\n' + GOOD_ENTRY + _END).replace(
        "\n", "\r\n"
    ),
}
# Lists of other kinds: served by HTTP under names of media, and given as files. `{inner}` once each.
DOCUMENTS = {
    "hls behind tags": "ID3\x04\x00\x00\x00\x00\x00\x0bTIT2\x00\x00\x00\x01\x00\x00\x00" + PLAYLISTS["variant"],
    "hls behind tags, twice": "ID3\x04\x00\x00\x00\x00\x00\x0bTIT2\x00\x00\x00\x01\x00\x00\x00" * 2 + PLAYLISTS["variant"],
    "line ends": '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\r{inner}\0#EXT-X-STREAM-INF:BANDWIDTH=2\0{inner}\r#\r{inner}\n',
    "attributes": '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="x"URI="{inner}"\n'
    '#EXT-X-MEDIA:TYPE=AUDIO GROUP-ID=a NAME=y URI={inner}\n'
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="z,URI=" ?a=b,URI={inner}"\n'
    '#EXT-X-STREAM-INF:BANDWIDTH=100000,AUDIO="a"\nhttp://{outside}/good.m3u8\n',
    "ffconcat": "ffconcat version 1.0\nfile '{inner}'\nduration 1\n",
    "ffconcat, unsafe": "ffconcat version 1.0\nstream\nfile {inner}\noption safe 0\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S"><Period>'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{inner}</BaseURL><SegmentList duration="1">'
    '<SegmentURL media="{inner}"/></SegmentList></Representation></AdaptationSet></Period></MPD>',
    "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:{inner}\r\nm=video {udp} RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\n",
    "smooth streaming": '<?xml version="1.0"?><SmoothStreamingMedia><StreamIndex Url="{inner}"/></SmoothStreamingMedia>',
    "imf": '<?xml version="1.0"?><AssetMap xmlns="http://www.smpte-ra.org/schemas/429-9/2007/AM"><Path>{inner}</Path></AssetMap>',
    "pls": "[playlist]\nFile1={inner}\nNumberOfEntries=1\n",
    "asx": '<asx version="3.0"><entry><ref href="{inner}"/></entry></asx>',
    "ram": "{inner}\n",
    "reference movie": "[Reference]\nRef1={inner}\n",
    "xspf": '<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/"><trackList><track><location>{inner}</location></track></trackList></playlist>',
    "entity": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "{inner}">]><MPD xmlns="urn:mpeg:dash:schema:mpd:2011">&e;</MPD>',
    "picture": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{inner}"/></svg>',
    "subtitles": "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n00:00.000 --> 00:01.000\n{inner}\n",
    "vobsub": "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\nfile: {inner}\n",
    "quoted hls": "﻿" + _HEAD + "#EXTINF:1,\n{inner}\n" + _END,
    "hls with a blank before": "\n" + _HEAD + "#EXTINF:1,\n{inner}\n" + _END,
}  # fmt: skip
HLS = "application/vnd.apple.mpegurl"
STATUSES = (301, 302, 303, 307, 308)
# What an RTSP server says to the first question.
RTSP_ANSWERS = {
    "moved": "RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "moved for good": "RTSP/1.0 301 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "other": "RTSP/1.0 303 See\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "proxy": "RTSP/1.0 305 Use\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "bare line ends": "RTSP/1.0 302 Moved\nCSeq: 1\nLocation: {inner}\n\n",
    "mixed line ends": "RTSP/1.0 200 OK\nCSeq: 1\n\nRTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: {inner}\r\n\r\n",
    "carriage returns": "RTSP/1.0 302\r Moved\r\nCSeq: 1\r\r\nLocation: {inner}\r\n\r\n",
    "two blanks": "RTSP/1.0  302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "small letters": "rtsp/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "long status": "RTSP/1.0 0000302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "blank line first": "\r\nRTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "behind a frame": "$\x00\x00\x04abcdRTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "behind a question": "OPTIONS rtsp://x RTSP/1.0\r\nCSeq: 9\r\n\r\nRTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "frame in a head": "RTSP/1.0 200 OK\r\nCSeq: 1\r\n$a: \x00\x02: \r\nRTSP/1.0 302 Moved\r\nLocation: {inner}\r\n\r\n",
    "length twice": "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 9\r\nContent-Length: 0\r\n\r\nRTSP/1.0 302\r\nLocation: {inner}\r\n\r\n",
    "length with a blank": "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length : 400\r\n\r\nRTSP/1.0 302 Moved\r\nLocation: {inner}\r\n\r\n",
    "length below zero": "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: -1\r\n\r\nRTSP/1.0 302 Moved\r\nLocation: {inner}\r\n\r\n",
    "redirect request": "REDIRECT rtsp://x RTSP/1.0\r\nCSeq: 1\r\nLocation: {inner}\r\n\r\n",
    "no protocol": "HTTP/1.1 302 Found\r\nLocation: {inner}\r\n\r\n",
}  # fmt: skip
RTSP_PLACES = ["rtsp://127.0.0.1:{rtmp}/x", "http://127.0.0.1:{http}/x", "rtsp://inside.example:{rtmp}/x"]
RTSP_SDP = (
    "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:{inner}\r\nm=video {udp} RTP/AVP 96\r\n"
    "a=rtpmap:96 H264/90000\r\na=control:{inner}\r\n"
)


@dataclass(frozen=True)
class Case:
    """`body` is served at `path`, with `status` and `location`, and a child pulls it; or `source` is what a child is told to pull."""

    name: str
    path: str = ""
    body: str = ""
    kind: str = ""
    status: int = 200
    location: str = ""
    source: str = ""


def filled(text: str, names: dict[str, str]) -> str:
    """Braces replaced; other braces stay."""
    inner = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:{http}/x.ts\n#EXT-X-ENDLIST\n"
    names = {**names, "list64": b64encode(inner.replace("{http}", names["http"]).encode()).decode()}
    for name, value in names.items():
        text = text.replace("{" + name + "}", value)
    return text


@dataclass(frozen=True)
class Batch:
    """Many cases for one child: a playlist that goes on to the next entry where one fails, and ends with a good one, `/last.ts`."""

    name: str
    body: str
    count: int
    locations: tuple[str, ...] = ()


def sources() -> list[Case]:
    return [Case(name=f"source {spelling}", source=spelling) for spelling in [*SPELLINGS, *SPACED]]


def playlists() -> list[Case]:
    every = [(name, text, inner) for name, text in PLAYLISTS.items() for inner in [*SPELLINGS, *SPACED]]
    rare = [(name, text, inner) for name, text in RARE_PLAYLISTS.items() for inner in FEW]
    return [
        Case(name=f"{name} {inner}", path="/list.m3u8", body=text.replace("{inner}", inner), kind=HLS)
        for name, text, inner in [*every, *rare]
    ]


def redirects() -> list[Case]:
    plain = [(status, inner) for status in STATUSES for inner in FEW]
    more = [(302, inner) for inner in SPELLINGS if inner not in FEW]
    return [
        Case(name=f"{status} to {inner}", path="/a.flv", status=status, location=inner)
        for status, inner in [*plain, *more]
    ]


def documents() -> list[Case]:
    inner = ["http://127.0.0.1:{http}/x.ts", "file://{file}", "tcp://127.0.0.1:{redis}"]
    return [
        Case(name=f"{path} {name} {each}", path=path, body=text.replace("{inner}", each), kind=kind)
        for path, kind in (("/film.mp4", "video/mp4"), ("/list.m3u8", HLS))
        for name, text in {**DOCUMENTS, **PLAYLISTS}.items()
        for each in inner
    ]


# ffmpeg's own looks at names are off for them: what is tried is the guard.
UNPICKY = ("-extension_picky", "0", "-allowed_extensions", "ALL", "-allowed_segment_extensions", "ALL")


def batches() -> list[Batch]:
    """All spellings in playlists, and all redirects behind the entries of one (`{here}/N.ts` answers with the Nth location)."""
    spellings = [*SPELLINGS, *SPACED]
    last = "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\nhttp://{outside}/last.ts\n" + _END
    segments = "".join(f"#EXTINF:1,\n{inner}\n" for inner in spellings)
    keys = "".join(f'#EXT-X-KEY:METHOD=AES-128,URI="{inner}"\n' + GOOD_ENTRY for inner in spellings)
    variants = "".join(f"#EXT-X-STREAM-INF:BANDWIDTH={n}\n{inner}\n" for n, inner in enumerate(spellings, 1))
    moved = tuple(inner for inner in SPELLINGS if inner.isascii())
    return [
        Batch("segments", _HEAD + GOOD_ENTRY + segments + last, len(spellings)),
        Batch("keys", _HEAD + GOOD_ENTRY + keys + last, len(spellings)),
        Batch(
            "variants",
            f"#EXTM3U\n{variants}#EXT-X-STREAM-INF:BANDWIDTH=999\nhttp://{{outside}}/last.m3u8\n",
            len(spellings),
        ),
        Batch(
            "redirects",
            _HEAD + GOOD_ENTRY + "".join(f"#EXTINF:1,\n{n}.ts\n" for n in range(len(moved))) + last,
            len(moved),
            moved,
        ),
    ]
