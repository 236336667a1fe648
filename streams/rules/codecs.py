"""Which codec a publisher sends, and whether browsers play it. What no player can show is said, to the streamer and to viewers.

FLV numbers codecs from 0 to 15; enhanced RTMP (veovera.org, versions 1 and 2) names them by four letters instead. Browsers play what
mpegts.js and hls.js can hand to them: H.264 with AAC or MP3."""

from __future__ import annotations

from dataclasses import dataclass

AVC, AAC, MP3 = 7, 10, 2

_VIDEO = {
    1: "JPEG", 2: "Sorenson H.263", 3: "Screen Video", 4: "VP6", 5: "VP6 with alpha", 6: "Screen Video 2", AVC: "H.264",
    8: "H.263", 9: "MPEG-4 Part 2", 12: "HEVC (H.265)", 13: "AV1", 14: "VP9",
}  # fmt: skip
_AUDIO = {
    0: "PCM", 1: "ADPCM", MP3: "MP3", 3: "PCM", 4: "Nellymoser", 5: "Nellymoser", 6: "Nellymoser", 7: "G.711 A-law",
    8: "G.711 µ-law", AAC: "AAC", 11: "Speex", 13: "Opus", 14: "MP3 at 8 kHz", 15: "a device's own format",
}  # fmt: skip
_FOUR_LETTERS = {
    b"avc1": "H.264 in enhanced RTMP", b"hvc1": "HEVC (H.265)", b"hev1": "HEVC (H.265)", b"av01": "AV1", b"vp09": "VP9",
    b"vp08": "VP8", b"vvc1": "VVC (H.266)", b"Opus": "Opus", b"fLaC": "FLAC", b"ac-3": "AC-3", b"ec-3": "E-AC-3",
    b".mp3": "MP3 in enhanced RTMP", b"mp4a": "AAC in enhanced RTMP",
}  # fmt: skip
ENHANCED = "HEVC, AV1 or VP9 (enhanced RTMP)"
_MULTITRACK, _MODIFIED = 6, 7

# What nginx-rtmp 1.2.2 calls the low four bits of a video message. Enhanced RTMP keeps a packet type there and no codec: coded frames
# are 1 and 3, a multitrack message is 6. No encoder of today sends JPEG or Screen Video.
_ENGINE_VIDEO = {
    "Jpeg": ENHANCED, "ScreenVideo": ENHANCED, "ScreenVideo2": ENHANCED, "Sorenson-H263": _VIDEO[2], "On2-VP6": _VIDEO[4],
    "On2-VP6-Alpha": _VIDEO[5],
}  # fmt: skip
_ENGINE_AUDIO = {
    "ADPCM": "ADPCM", "LinearLE": "PCM", "Uncompressed": "PCM", "Nellymoser16": "Nellymoser", "Nellymoser8": "Nellymoser",
    "Nellymoser": "Nellymoser", "G711A": _AUDIO[7], "G711U": _AUDIO[8], "Speex": "Speex", "MP3-8K": _AUDIO[14],
    "DeviceSpecific": _AUDIO[15],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Codec:
    """As people call it, and whether browsers play it from here."""

    name: str
    plays: bool


H264 = Codec(name="H.264", plays=True)


def video_codec(body: bytes) -> Codec | None:
    """Of the body of one FLV video tag (an RTMP video message). None: it does not say."""
    if not body:
        return None
    if body[0] & 0x80:
        return Codec(name=_enhanced(body, body[0] & 0x0F), plays=False)
    number = body[0] & 0x0F
    return H264 if number == AVC else Codec(name=_VIDEO.get(number, f"video codec {number}"), plays=False)


def audio_codec(body: bytes) -> Codec | None:
    """Of the body of one FLV audio tag."""
    if not body:
        return None
    number = body[0] >> 4
    if number == 9:
        name = _enhanced(body, body[0] & 0x0F)
        return Codec(name="sound of enhanced RTMP" if name == ENHANCED else name, plays=False)
    return Codec(name=_AUDIO.get(number, f"audio codec {number}"), plays=number in (AAC, MP3))


def _enhanced(body: bytes, packet_type: int) -> str:
    at = 2 if packet_type in (5, _MULTITRACK) and bytes(body[1:5]) not in _FOUR_LETTERS else 1
    letters = bytes(body[at : at + 4])
    if letters in _FOUR_LETTERS:
        return _FOUR_LETTERS[letters]
    if packet_type != _MODIFIED and len(letters) == 4 and letters.isalnum():
        return f"{letters.decode('ascii')} (enhanced RTMP)"
    return ENHANCED


def by_number(videocodecid: int) -> Codec | None:
    """What `videocodecid` of the publisher's metadata means: an FLV number, or four letters as one number. None: nothing known."""
    if 0 < videocodecid < 16:
        return video_codec(bytes((0x10 | videocodecid,)))
    if 0xFFFF < videocodecid <= 0xFFFFFFFF:
        letters = videocodecid.to_bytes(4, "big")
        if letters == b"avc1":
            return H264  # some name H.264 so and send it the old way
        if letters in _FOUR_LETTERS:
            return Codec(name=_FOUR_LETTERS[letters], plays=False)
    return None


def engine_video(name: str) -> Codec | None:
    """What the engine's word for a video codec means. None: it does not know (yet)."""
    if not name:
        return None
    return Codec(name=_ENGINE_VIDEO[name], plays=False) if name in _ENGINE_VIDEO else Codec(name=name, plays=True)


def engine_audio(name: str) -> Codec | None:
    if not name:
        return None
    return Codec(name=_ENGINE_AUDIO[name], plays=False) if name in _ENGINE_AUDIO else Codec(name=name, plays=True)


def viewer_text(codec: str) -> str:
    """Why there is no picture, for whoever wants to see it."""
    return (
        f"The streamer's encoder sends {codec}, which browsers cannot play from here. Nothing is wrong on your side: "
        "it plays by itself as soon as the streamer changes to H.264 and AAC."
    )


def streamer_text(codec: str) -> str:
    """What to do about it."""
    return (
        f"Viewers see no picture: it arrives as {codec}, which cannot be played here. Choose H.264 (x264, NVENC H.264, "
        "QuickSync H.264 …) as the video encoder; in OBS: Settings, Output, Streaming, Video Encoder. Then start the stream again."
    )


def sound_text(codec: str) -> str:
    return f"Viewers hear nothing: the sound arrives as {codec}, which browsers cannot play. Choose AAC as the audio encoder."
