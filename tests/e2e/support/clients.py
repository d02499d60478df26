"""Clients: command-line tools, and a TLS client that the test drives byte by byte."""

import hashlib
import socket
import ssl
import struct
import subprocess
import threading

from support.daemon import ADDRESS, PORT

NAME = "www.sluice.example"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def curl(trusted, *arguments, timeout=60, port=PORT, address=ADDRESS):
    """Runs curl with names of the tests' domain going to Sluice."""
    result = subprocess.run(
        ["curl", "-sS", "--fail", "--max-time", str(timeout), "--cacert", str(trusted)]
        + ["--resolve", f"{NAME}:{port}:{address}", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout + 10,
    )
    if result.returncode != 0:
        raise AssertionError(f"curl {arguments}: exit code {result.returncode}: {result.stderr}")
    return result.stdout


def s_client(trusted, *arguments, port=PORT, name=NAME, request=None):
    """Runs openssl s_client and returns all that it says; its exit code is not looked at."""
    if request is None:
        request = f"GET /1k HTTP/1.0\r\nHost: {name}\r\n\r\n".encode()
    result = subprocess.run(
        ["openssl", "s_client", "-connect", f"{ADDRESS}:{port}", "-CAfile", str(trusted)]
        + (["-servername", name] if name else ["-noservername"])
        + ["-ign_eof", *arguments],
        input=request,
        capture_output=True,
        timeout=30,
    )
    return (result.stdout + result.stderr).decode(errors="replace")


def connect(port=PORT, source=None, receive_buffer=None):
    """A TCP connection to Sluice."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(30)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if receive_buffer is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        if source is not None:
            sock.bind((source, 0))
        sock.connect((ADDRESS, port))
    except OSError:
        sock.close()
        raise
    return sock


def reset(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def context(trusted, alpn=()):
    made = ssl.create_default_context(cafile=str(trusted))
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


def read_to_end(sock):
    """Everything until the peer's FIN; a reset counts as an end, too."""
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


class TlsClient:
    """TLS over a socket, with the records in the test's hands: what is to be sent can be taken,
    cut up and sent otherwise, and each direction can be closed on its own."""

    def __init__(self, sock, trusted, name=NAME, alpn=()):
        self.sock = sock
        self._in = ssl.MemoryBIO()
        self._out = ssl.MemoryBIO()
        self.tls = context(trusted, alpn).wrap_bio(self._in, self._out, server_hostname=name)

    def outgoing(self):
        """Takes the bytes that TLS wants to send."""
        return self._out.read()

    def flush(self):
        data = self.outgoing()
        if data:
            self.sock.sendall(data)

    def _drive(self, operation):
        while True:
            try:
                value = operation()
                self.flush()
                return value
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()

    def first_flight(self):
        """Begins the handshake; returns the ClientHello's record instead of sending it."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing()

    def handshake(self):
        self._drive(self.tls.do_handshake)
        return self

    def send(self, data):
        view = memoryview(data)
        while view:
            # One record at a time: what is not flushed lies in memory.
            sent = self._drive(lambda: self.tls.write(view[:16384]))
            view = view[sent:]

    def receive(self, size=65536):
        """Decrypted bytes; none at the peer's close_notify. A stream cut off raises."""
        try:
            return self._drive(lambda: self.tls.read(size))
        except ssl.SSLZeroReturnError:
            return b""

    def receive_all(self):
        received = bytearray()
        while chunk := self.receive():
            received += chunk
        return bytes(received)

    def receive_exactly(self, size):
        received = bytearray()
        while len(received) < size:
            chunk = self.receive(size - len(received))
            if not chunk:
                raise AssertionError(f"closed after {len(received)} of {size} bytes")
            received += chunk
        return bytes(received)

    def finish(self):
        """close_notify and FIN: nothing more from here; the other direction goes on."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass  # the peer's close_notify has not come yet, and need not
        self.flush()
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()

    def get(self, path):
        """A request that keeps the connection open; returns the body."""
        self.send(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = self.receive()
            if not chunk:
                raise AssertionError(f"closed within the response's head: {head!r}")
            head += chunk
        head, _, body = head.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        if " 200 " not in lines[0]:
            raise AssertionError(f"answered {lines[0]}")
        headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in lines[1:])}
        return body + self.receive_exactly(int(headers["content-length"]) - len(body))


def in_threads(count, work):
    """Runs work(0) to work(count - 1) at once; raises what the first of them raised."""
    errors = []

    def guarded(index):
        try:
            work(index)
        except BaseException as error:  # pylint: disable=broad-except
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,), daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
