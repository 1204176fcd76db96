"""A server on loopback, with TLS or without, that never stops and never ends: every byte comes in
time, the answer does not."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

#: What is sent at once, and what is repeated after it.
HEADS = {
    "nothing": (b"", b"H"),
    "status line": (b"HTTP/1.1 2", b"0"),
    "headers": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "go on": (b"", b"HTTP/1.1 100 C\r\n\r\n"),
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", b" "),
    "chunk size": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
}


@cache
def _certificate() -> bytes:
    """Key and certificate of 127.0.0.1, which signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return secret + made.public_bytes(serialization.Encoding.PEM)


@contextmanager
def dripping(folder: Path, scheme: str, where: str) -> Iterator[tuple[str, Path]]:
    """The address of a server that drips `where` (of HEADS), and the certificate to trust."""
    pem = folder / "drip.pem"
    pem.write_bytes(_certificate())
    head, drop = HEADS[where]
    over = threading.Event()

    def serve(sock: socket.socket) -> None:
        with suppress(OSError):
            if scheme == "https":
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(pem)
                sock = context.wrap_socket(sock, server_side=True)
            with sock:
                sock.recv(65536)
                sock.sendall(head)
                while not over.wait(0.02):
                    sock.sendall(drop)

    def accept() -> None:
        with suppress(OSError):
            while True:
                sock, _ = listener.accept()
                threading.Thread(target=serve, args=(sock,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", pem
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
