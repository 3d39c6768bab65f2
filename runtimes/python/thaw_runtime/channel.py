"""Frames on the data channel. The Go package link specifies them."""

import os
from _socket import AF_UNIX, MSG_DONTWAIT, MSG_PEEK, SOCK_STREAM, socket  # C types: functions patch those around them
from _struct import Struct

SPECIALISE, INVOKE, MORE, SNAPSHOT, RESTORED = 0x10, 0x11, 0x12, 0x13, 0x14
READY, INIT_ERROR, RESULT, ERROR, IDLE = 0x50, 0x51, 0x52, 0x53, 0x54
FLAG_MORE, FLAG_IDLE = 1, 2

MAX_FRAME_BYTES = 256 << 10
CHUNK_BYTES = 128 << 10

_HEADER = Struct("<BBHI")
_LENGTH = Struct("<I")
_HEADER_BYTES = _HEADER.size
_pack_header, _unpack_header = _HEADER.pack, _HEADER.unpack_from
_pack_length, _unpack_length = _LENGTH.pack, _LENGTH.unpack_from


class Closed(Exception):
    """The other side is gone."""


class ProtocolError(Exception):
    """The other side sent something that is no frame, or none that belongs here."""


class Channel:
    """Reads and writes frames on a connected stream socket, which it takes over. Not for use by several threads."""

    def __init__(self, fd):
        os.set_inheritable(fd, False)
        self._socket = socket(AF_UNIX, SOCK_STREAM, 0, fd)
        self._socket.settimeout(None)
        self._recv_into, self._sendall = self._socket.recv_into, self._socket.sendall
        self._allocate(16 << 10)
        self._start = self._end = 0  # what is received and not yet read

    def close(self):
        self._socket.close()

    def waiting(self):
        """Tells whether next has something to return, or the end."""
        try:
            self._socket.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError as error:
            raise Closed from error
        return True

    def next(self):
        """Returns type, flags and body of the next frame. The body is a view, valid until the next call."""
        if self._start == self._end:
            self._start = self._end = 0
        self._receive(_HEADER_BYTES)
        kind, flags, zero, size = _unpack_header(self._buffer, self._start)
        if zero or size > MAX_FRAME_BYTES or flags & ~(FLAG_MORE | FLAG_IDLE):
            raise ProtocolError("no frame header: " + self._view[self._start : self._start + _HEADER_BYTES].hex())
        self._receive(_HEADER_BYTES + size)
        body = self._start + _HEADER_BYTES
        self._start = end = body + size
        return kind, flags, self._view[body:end]

    def payload(self, flags, first):
        """Returns the whole payload that begins with first, in a frame that carried flags."""
        if not flags & FLAG_MORE:
            return first
        whole = bytearray(first)
        while flags & FLAG_MORE:
            kind, flags, body = self.next()
            if kind != MORE:
                raise ProtocolError("frame of type %#x inside a payload" % kind)
            whole += body
        return whole

    def send(self, kind, payload=b"", meta=None, last=0):
        """Sends a message, meta and payload as bytes; its last frame carries the flags last."""
        head = b"" if meta is None else _pack_length(len(meta)) + meta
        sent, size = 0, len(payload)
        while size - sent > CHUNK_BYTES:
            self._write(kind, FLAG_MORE, head, payload[sent : sent + CHUNK_BYTES])
            kind, head, sent = MORE, b"", sent + CHUNK_BYTES
        self._write(kind, last, head, payload[sent:] if sent else payload)

    def _write(self, kind, flags, head, part):
        header = _pack_header(kind, flags, 0, len(head) + len(part))
        try:
            self._sendall(b"".join((header, head, part)))
        except OSError as error:
            raise Closed from error

    def _receive(self, size):
        """Makes at least size bytes available from _start on."""
        while self._end - self._start < size:
            if self._start + size > len(self._buffer):
                self._make_room(size)
            end = self._end
            try:
                got = self._recv_into(self._view[end:] if end else self._buffer)
            except OSError as error:
                raise Closed from error
            if not got:
                raise Closed
            self._end = end + got

    def _make_room(self, size):
        rest = bytes(self._view[self._start : self._end])
        if size > len(self._buffer):
            self._allocate(_HEADER_BYTES + MAX_FRAME_BYTES)
        self._buffer[: len(rest)] = rest
        self._start, self._end = 0, len(rest)

    def _allocate(self, size):
        self._buffer = bytearray(size)
        self._view = memoryview(self._buffer)


def split_meta(body):
    """Takes a body apart that begins with metadata: returns both parts as views."""
    if len(body) >= 4:
        (size,) = _unpack_length(body)
        if size <= len(body) - 4:
            return body[4 : 4 + size], body[4 + size :]
    raise ProtocolError("metadata longer than its frame")
