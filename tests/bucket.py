"""A bucket at a real S3-speaking server on loopback, moto's, in a thread of this process.

One request at a time, for moto does not compare and write in one step. Not here: what is put there.
"""

import os
import re
import threading
from contextlib import contextmanager
from datetime import timedelta

import boto3
import moto.s3.models
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

NAME = "trainyard-tests"
ASKED = re.compile(rb"([A-Z]+) (/" + NAME.encode() + rb"[/?]?[^ ]*) ")


asked: list[tuple[str, str]] = []  # each request's method and target


class Quiet(WSGIRequestHandler):
    """Of a client that was killed amid a request nothing is said."""

    def log_request(self, *arguments):
        asked.append((self.command, self.path))

    def log(self, *arguments):
        pass


faults: list[tuple[str, str, str]] = []  # method, end of target, and what befalls such requests: "lost", "denied"


class Faulty:
    """The server's application, and the faults that befall requests: a lost answer is that of a request carried out."""

    def __init__(self):
        self._whole = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ, start_response):
        method, target = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        for fault in [fault for fault in faults if method == fault[0] and target.endswith(fault[1])]:
            if fault[2] == "denied":
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
                start_response("403 Forbidden", [])
                return [b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"]
            faults.remove(fault)
            b"".join(self._whole(environ, lambda status, headers, *rest: None))
            start_response("500 Internal Server Error", [])
            return [b"<Error><Code>InternalError</Code></Error>"]
        return self._whole(environ, start_response)


@contextmanager
def served():
    """Serve an empty bucket while the block runs; gives what clients need in their environment."""
    server = make_server("127.0.0.1", 0, Faulty(), request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    backend().create_bucket(NAME, "us-east-1")
    try:
        yield {
            "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{server.server_port}",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        backend().reset()


def backend():
    """What the server keeps."""
    return moto.s3.models.s3_backends[DEFAULT_ACCOUNT_ID]["aws"]


def objects(url):
    """The contents of the objects below an address, by their names there."""
    prefix = f"{url.removeprefix(f's3://{NAME}/')}/"
    keys = backend().buckets[NAME].keys
    return {name.removeprefix(prefix): keys[name].value for name in list(keys.keys()) if name.startswith(prefix)}


def age(url, name, seconds):
    """Let an object be written longer ago than it was."""
    backend().buckets[NAME].keys[f"{url.removeprefix(f's3://{NAME}/')}/{name}"].last_modified -= timedelta(
        seconds=seconds
    )


def replace(url, name, made_of):
    """Put in an object's place what is made of its content."""
    backend().put_object(NAME, f"{url.removeprefix(f's3://{NAME}/')}/{name}", made_of(objects(url)[name]))


def remove(url, name):
    """Remove an object."""
    backend().delete_object(NAME, f"{url.removeprefix(f's3://{NAME}/')}/{name}")


def copy(url, to):
    """Copy what is below an address to another."""
    for name, content in objects(url).items():
        backend().put_object(NAME, f"{to.removeprefix(f's3://{NAME}/')}/{name}", content)


def client():
    """A client of its own."""
    return boto3.session.Session().client("s3", region_name="us-east-1")
