"""The simulated service over HTTP: connections, protocols, the clock, and faults as they show on the wire.

Not here: what an operation answers (``service``, ``cloudwatch``, ``sts``, ``price_list``, ``service_quotas``), which
call a fault befalls (``faults``).

Beside the service, ``/_simulator/`` lets another process drive it, in JSON. GET tells, POST changes:
``clock`` {"now": epoch seconds} or {"advance": seconds}; ``faults`` a list of faults, which replaces those at work;
``calls`` {operation: number}, emptied by a POST.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from pipelines.errors import TrainyardError
from pipelines.simulator import cloudwatch, service, sts
from pipelines.simulator.cloudwatch import CloudWatch
from pipelines.simulator.errors import ServiceError
from pipelines.simulator.faults import Fault, Faults
from pipelines.simulator.fleet import Document, Fleet
from pipelines.simulator.price_list import PriceList
from pipelines.simulator.rewind import newest_instant
from pipelines.simulator.service import SageMaker
from pipelines.simulator.service_quotas import ServiceQuotas
from pipelines.simulator.sts import Sts

HOST = "127.0.0.1"
CONTROL = "/_simulator/"
POLL_SECONDS = 0.02  # how soon a server notices that it is to stop
# Credential=<access key>/<date>/<region>/<service>/aws4_request
CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/([^/,\s]+)/")

# What X-Amz-Target begins with where CloudWatch is called.
CLOUDWATCH = "GraniteServiceVersion20100801"


@dataclass
class Answer:
    """What goes over the wire. ``promised``: the Content-Length, where it is not the body's. ``date_offset_seconds``:
    how far the Date header is off; None leaves it out.
    """

    body: bytes
    status: int = 200
    content_type: str = "application/json"
    delay_seconds: float = 0
    promised: int | None = None
    date_offset_seconds: float | None = 0


class Simulator:
    """A fleet behind an endpoint on 127.0.0.1, at an instant that stands still unless it is told to move.

    ``port`` 0 takes a free one; ``now`` is in epoch seconds and by default the newest instant anywhere in the fleet.
    The port is taken at once, calls are answered within a ``with`` block or ``serve_forever``.
    ``index_delay_seconds`` says how late Search shows a job's changes, ``most_hits`` how many jobs one search gives.
    ``calls`` counts calls by operation, those that met a fault too. Raises ``TrainyardError`` where the port is taken.
    """

    def __init__(
        self,
        fleet: Fleet,
        port: int = 0,
        now: float | None = None,
        index_delay_seconds: Callable[[Document], float] | None = None,
        most_hits: int | None = None,
    ) -> None:
        if now is None:
            now = max([0.0, *map(newest_instant, fleet.documents)])
        self.calls: Counter[str] = Counter()
        self._service = SageMaker(fleet, now, index_delay_seconds, most_hits)
        self._cloudwatch = CloudWatch(fleet)
        self._sts = Sts(fleet)
        # By what X-Amz-Target begins with. All but these, CloudWatch and STS, which is called without, is SageMaker.
        self._others: dict[str, PriceList | ServiceQuotas] = {
            "AWSPriceListService": PriceList(),
            "ServiceQuotasV20190624": ServiceQuotas(fleet),
        }
        self._faults = Faults()
        self._lock = threading.Lock()
        try:
            self._server = _Server(self, port)
        except OSError as error:
            raise TrainyardError(f"cannot listen on port {port}: {error.strerror}; choose another port") from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_SECONDS,))

    @property
    def url(self) -> str:
        """The endpoint, for ``endpoint_url``."""
        return f"http://{HOST}:{self._server.server_port}"

    @property
    def now(self) -> float:
        """The clock, in epoch seconds."""
        return self._service.now

    def set_time(self, now: float) -> None:
        """Set the clock, in epoch seconds; backwards too."""
        with self._lock:
            self._service.now = now

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        with self._lock:
            self._service.now += seconds

    def inject(self, fault: Fault) -> None:
        """Set a fault to work on the calls to come."""
        with self._lock:
            self._faults.inject(fault)

    def clear_faults(self) -> None:
        """End every fault."""
        with self._lock:
            self._faults.clear()

    def serve_forever(self) -> None:
        """Answer calls in this thread until Ctrl-C."""
        try:
            self._server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            self._server.close()

    def __enter__(self) -> Simulator:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.close()

    def answer(self, target: str, authorization: str, body: bytes) -> Answer | None:
        """The answer to a call; None where the connection is to be dropped. ``target``: the X-Amz-Target header."""
        form = {} if target else dict(parse_qsl(body.decode(errors="replace")))
        name, _, operation = target.rpartition(".")
        content_type = cloudwatch.CONTENT_TYPE if name == CLOUDWATCH else service.CONTENT_TYPE
        if not target:
            operation, content_type = form.get("Action", ""), sts.CONTENT_TYPE
        with self._lock:
            self.calls[operation] += 1
            fault = self._faults.befalling(operation, b'"NextToken"' in body)
            try:
                if fault and fault.error:
                    raise fault.error
                access_key, region = _signer(authorization)
                account = self._sts.account_of(access_key)
                place = (account, region) if account else None
                kind = fault.kind if fault else None
                if not target:
                    content = self._sts.respond(operation, form, access_key)
                elif name == CLOUDWATCH:
                    content = self._cloudwatch.respond(
                        operation, body, place, self.now, gives_part=kind == "partial-data"
                    )
                elif other := self._others.get(name):
                    content = other.respond(operation, body, account, region, self.now)
                else:
                    content = self._service.respond(operation, body, place, kind == "empty-page")
                answer = Answer(content, content_type=content_type)
            except ServiceError as error:
                said = error.as_json() if target else sts.error_body(error)
                answer = Answer(said, error.status, content_type)
        return _struck(answer, fault) if fault else answer

    def control(self, name: str, body: bytes | None) -> Answer:
        """The answer of the control endpoint; ``body`` is None for a GET."""
        try:
            with self._lock:
                told = self._control(name, body)
        except (msgspec.DecodeError, ValueError) as error:
            return Answer(msgspec.json.encode({"message": str(error)}), 400)
        if told is None:
            return Answer(msgspec.json.encode({"message": f"there is no {CONTROL}{name}"}), 404)
        return Answer(msgspec.json.encode(told))

    def _control(self, name: str, body: bytes | None) -> Any:
        if name == "clock":
            if body is not None:
                change = msgspec.json.decode(body, type=dict[str, float])
                self._service.now = change.get("now", self._service.now) + change.get("advance", 0)
            return {"now": self._service.now}
        if name == "faults":
            if body is not None:
                faults = msgspec.json.decode(body, type=list[Fault])
                self._faults.clear()
                for fault in faults:
                    self._faults.inject(fault)
            return self._faults.active()
        if name == "calls":
            if body is not None:
                self.calls.clear()
            return dict(self.calls)
        return None


def _signer(authorization: str) -> tuple[str, str]:
    """The access key that signed a request, and the region it signed for."""
    credential = CREDENTIAL.search(authorization)
    if credential is None:
        raise ServiceError("UnrecognizedClientException", "The request is not signed.")
    return credential[1], credential[2]


def _struck(answer: Answer, fault: Fault) -> Answer | None:
    """An answer as a fault leaves it."""
    cut = answer.body[: len(answer.body) // 2]
    match fault.kind:
        case "drop":
            return None
        case "slow":
            return replace(answer, delay_seconds=fault.seconds)
        case "no-date":
            return replace(answer, date_offset_seconds=None)
        case "wrong-date":
            return replace(answer, date_offset_seconds=fault.seconds)
        case "no-results":
            return replace(answer, body=b"{}", status=200)
        case "truncate":
            return replace(answer, body=cut, status=200)
        case "short-body":
            return replace(answer, body=cut, status=200, promised=len(answer.body))
        case _:
            return answer


class _Server(ThreadingHTTPServer):
    """Knows its open connections, so that it ends with none left."""

    daemon_threads = False  # so that closing waits for them

    def __init__(self, simulator: Simulator, port: int) -> None:
        self.simulator = simulator
        self.stopping = threading.Event()
        self._connections: set[Any] = set()
        super().__init__((HOST, port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        # Both ways: Ctrl-C may end a connection here of which a thread awaits the next request.
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that goes away is no error of ours
            super().handle_error(request, client_address)

    def close(self) -> None:
        """End every connection, and wait for what is being answered."""
        self.stopping.set()
        for connection in list(self._connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet

    def do_GET(self) -> None:
        self._send(self.server.simulator.control(self.path.removeprefix(CONTROL), None))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        simulator = self.server.simulator
        if self.path.startswith(CONTROL):
            self._send(simulator.control(self.path.removeprefix(CONTROL), body))
            return
        answer = simulator.answer(self.headers.get("X-Amz-Target", ""), self.headers.get("Authorization", ""), body)
        if answer is None:
            self.close_connection = True
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self.server.stopping.wait(answer.delay_seconds)
        self.send_response_only(answer.status)
        if answer.date_offset_seconds is not None:
            self.send_header("Date", formatdate(self.server.simulator.now + answer.date_offset_seconds, usegmt=True))
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body) if answer.promised is None else answer.promised))
        self.send_header("x-amzn-RequestId", str(uuid.uuid4()))
        self.end_headers()
        self.wfile.write(answer.body)
        if answer.promised is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is the base class's
        """Say nothing."""
