"""What is put where something else is expected."""

from __future__ import annotations

import random

LONG = "x" * 5000
TEXTS = (
    "", " ", "abc", "0", "-1", "1", "2", "99999999999999999999", "-99999999999999999999", "1e999",
    "NaN", "inf", "1.5", "0x10", "١٢", "true", "null", "None",
    "[]", "{}", '{"a": [1]}', "[[[[1]]]]",
    "\x00", "a\x00b", "\x1b[31m", "\r\nX-Made: 1", "\u202eabc", "\ufeff",
    "\ud7ff", "💡" * 40, "ä̈" * 30,
    "'", "' OR 1=1 --", '"><script>alert(1)</script>', "{{7*7}}", "{% now %}", "%s%s%n", "%", "%zz",
    "%ff", "%00", "../../../../etc/passwd", "..%2f..%2f", "/", "//", "///evil.example", "\\\\evil",
    "http://[::1", "https://[fec0::1]/", "http://evil.example/", "javascript:alert(1)", "data:,x",
    "2026-13-45", "2026-02-30", "0000-00-00", "9999-12-31", "2026-11", "24:61", "٢٠٢٦-١١",
    "admin", "1,2,3", ",", ";", "a=b&c=d", "id", "-id", "0.0.0", "emo-v1", "image", "calm", "3:4",
    LONG, "-" * 300, "9" * 400, "a/" * 200,
)  # fmt: skip
BYTES = (
    b"",
    b"\xff\xfe",
    b"\x00" * 64,
    b"%ff=%fe",
    b"a=" + b"b" * 9000,
    b"{",
    b"[" * 3000,
    b"--x\r\n",
)
QUERY_NAMES = (
    "next", "page", "p", "q", "o", "e", "all",
    "_popup", "_to_field", "_changelist_filters", "group",
    "tab", "sort", "after", "before", "kind", "model", "month", "member", "image", "audio", "video",
    "asset", "template", "job", "parent", "again", "from", "format", "download", "size", "width",
    "x",
    "id__exact", "team__id__exact", "created_at__year", "id__in", "pk", "ids", "app_label", "term",
    "model_name", "field_name", "desc", "name[]",
)  # fmt: skip
HEADERS = (
    "Accept", "Accept-Language", "Accept-Encoding", "Range", "If-Range", "If-None-Match",
    "If-Modified-Since", "HX-Request", "HX-Current-URL", "HX-Target", "HX-Trigger", "Referer",
    "Origin", "Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Request-ID",
    "Cookie", "Authorization", "User-Agent", "Last-Event-ID", "X-CSRFToken",
)  # fmt: skip
HEADER_VALUES = (
    "true", "bytes=0-", "bytes=-0", "bytes=5-1", "bytes=99999999999999999999-", "bytes=0-1,5-9",
    '"x"', "*", "W/", "de;q=x", "gzip;q=0", "http://[::1", "http://[::1/abc", "//[", "Bearer ",
    "Basic !!", "sessionid=abc; csrftoken=\x7f", "messages=x", "'", "Thu, 99 Foo", "1" * 30, "ÿ",
    "https", "example.com:99999", "[::1", "a" * 3000,
)  # fmt: skip
METHODS = ("GET", "GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS")
CONTENT_TYPES = (
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x",
    "multipart/form-data; boundary=" + "y" * 300, "application/json", "text/plain; charset=klingon",
    "", "ÿ", "multipart/mixed; boundary=\x01",
)  # fmt: skip
FILE_NAMES = (
    "a.jpg",
    "",
    "../../x",
    "\x00",
    "a" * 400 + ".mp3",
    "💡.mp4",
    ".",
    "con",
    "a\r\nb.png",
)


def text(dice: random.Random) -> str:
    if dice.random() < 0.1:
        return "".join(chr(dice.randrange(1, 0x2FFF)) for _ in range(dice.randrange(1, 40)))
    return dice.choice(TEXTS)
