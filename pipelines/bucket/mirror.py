"""The working copy of a data directory that is in a bucket.

    .etags/<name>   which version of an object that may change is here
    .mirror         identifies this working copy

Here: bringing here what is in force (``pull``), and putting what is written into the bucket before it counts here
(``replace``, ``keep``, ``share``, ``remove``): so the working copy is never ahead of the bucket, and may be removed at
any time when nobody writes. Of raw only names are brought here: a batch that nobody has read here is a link to where it
is. A build goes to the bucket once it is whole: the last of its objects there is ``settled.json``. The files of models
that builds share are brought here too; what else is not brought here is this machine's own. Not here: who may write
(``lease``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock

from pipelines import files
from pipelines.bucket import lease
from pipelines.bucket.objects import TRANSFERS_AT_ONCE, Bucket, Content, Listed
from pipelines.lake.manifest import Manifest

WAREHOUSE, DASHBOARD = "warehouse.duckdb", "dashboard.html"
MANIFESTS = ("lake/manifest.json", "metrics/manifest.json")
MODELS = "builds/models"
_FOLDERS = ("deleted", "fetched", "links", "outcomes", "quarantine", "reference", "sources")
_LISTED = ("lake/", "metrics/")
_SINGLE = ("demo", "due.json")


class Mirror:
    """The working copy of ``bucket`` in the folder ``root``.

    One process at a time may change it, but for the published file.
    """

    def __init__(self, root: Path, bucket: Bucket) -> None:
        self.root = root
        self.bucket = bucket
        self._lease: lease.Lease | None = None

    @contextmanager
    def writing(self, wait_seconds: float) -> Iterator[None]:
        """Be the one writer among all machines: what is in force is here, and what is written goes to the bucket."""
        with lease.writing(self.bucket, self._identity(), wait_seconds) as self._lease:
            self.pull(with_lake=True)
            with files.durable_in(self.root, self):
                yield

    def pull(self, *, with_lake: bool = False) -> None:
        """Bring here what is in force: all small files, the names of raw and, if asked for, the lake and the models."""
        # Two listings go around builds and lake, of which manifests tell. One for metrics too would save requests only
        # where there are more than a thousand files of these.
        found = [*self.bucket.listed("builds0", "lake/"), *self.bucket.listed("lake0")]
        raw = {each.name: each for each in found if each.name.startswith("raw/")}
        small = {each.name: each.etag for each in found if _is_small(each.name)}
        self._link(raw)
        self._forget({*raw, *small})
        changed = [name for name, etag in small.items() if not self._has(name, etag)]
        with ThreadPoolExecutor(TRANSFERS_AT_ONCE) as threads:
            list(threads.map(self._read, changed))
        for manifest in MANIFESTS:
            self._pull_manifest(manifest, with_files=with_lake)
        if with_lake:
            self._download([path for path in self._models_there() if not path.exists()])

    def pull_warehouse(self) -> None:
        """Bring the published file here; remove the one that is here if none is published."""
        etag, target = self.bucket.etag(WAREHOUSE), self.root / WAREHOUSE
        if etag is None:
            target.unlink(missing_ok=True)
        elif not self._has(WAREHOUSE, etag):
            self._download([target], etag)
            target.chmod(0o444)

    # What is written while this is the writer, as ``files`` asks for it.

    def replace(self, beside: Path, target: Path) -> None:
        """Make ``beside`` the object and the file ``target``: where another process wrote it first, neither."""
        name = self._name(target)
        if name in (WAREHOUSE, DASHBOARD):
            self._confirm()
            self.bucket.upload({name: beside})
            self._place(beside, target, self.bucket.etag(name))
        elif name.startswith("raw/"):
            self._confirm()
            self.bucket.write(name, beside.read_bytes(), None)
            beside.replace(target)
        elif name in MANIFESTS or _is_small(name):
            self._confirm()
            self._place(beside, target, self.bucket.write(name, beside.read_bytes(), self._etag(name)))
        else:
            beside.replace(target)

    def keep(self, paths: Iterable[Path]) -> None:
        """Put files that a manifest is to list into the bucket, at once: they have names of their own."""
        names = {self._name(path): path for path in paths}
        self._confirm()
        self.bucket.upload({name: path for name, path in names.items() if name.startswith(_LISTED)})

    def share(self, paths: Iterable[Path], last: Path) -> None:
        """Put files of a build into the bucket, those of models that are not there yet; ``last`` after all others."""
        self._confirm()
        there = set(self._models_there())
        self.bucket.upload({self._name(path): path for path in paths if path not in there})
        self.bucket.upload({self._name(last): last})

    def remove(self, path: Path) -> None:
        """Remove an object and its file."""
        self._confirm()
        self.bucket.remove([self._name(path)])
        path.unlink(missing_ok=True)

    def fetch(self, paths: Iterable[Path]) -> None:
        """Put batches of raw in the place of the links to them."""
        self._download([path for path in paths if path.is_symlink()])

    # How the working copy is kept.

    def _link(self, raw: dict[str, Listed]) -> None:
        """Links to the batches of raw that are not here, or not whole."""
        for name, listed in raw.items():
            path = self.root / name
            if path.is_symlink() or (path.exists() and path.stat().st_size == listed.size):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(f"{self.bucket.url}/{name}")

    def _forget(self, found: set[str]) -> None:
        """Remove the files that are no longer in the bucket."""
        places = (self.root / folder for folder in ("raw", *_FOLDERS))
        here = [path for place in places for path in place.rglob("*") if path.is_symlink() or path.is_file()]
        here += [self.root / name for name in _SINGLE]
        for path in here:
            if self._name(path) not in found:
                path.unlink(missing_ok=True)

    def _pull_manifest(self, name: str, *, with_files: bool) -> None:
        """A manifest, after the files that it lists."""
        etag, target = self.bucket.etag(name), self.root / name
        if etag is None:
            target.unlink(missing_ok=True)
        elif self._has(name, etag):
            if with_files:
                self._download_listed(target.read_bytes(), target.parent)
        elif read := self.bucket.read(name):
            if with_files:
                self._download_listed(read.content, target.parent)
            self._write(target, read)

    def _models_there(self) -> list[Path]:
        """The files of models that are in the bucket."""
        return [self.root / each.name for each in self.bucket.listed(f"{MODELS}/", f"{MODELS}0")]

    def _download_listed(self, manifest: bytes, folder: Path) -> None:
        try:
            listed = msgspec.json.decode(manifest, type=Manifest)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return  # whoever reads it says what to do
        paths = listed.all_paths(folder)
        self._download([path for path in paths if ".." not in path.parts and not path.exists()])

    def _download(self, paths: Iterable[Path], etag: str | None = None) -> None:
        """Files of any size, each of which is here whole or not at all; those that are not there are left out."""
        coming = {path: files.beside_of(path) for path in paths}
        for folder in {path.parent for path in coming}:
            folder.mkdir(parents=True, exist_ok=True)
        try:
            self.bucket.download({self._name(path): beside for path, beside in coming.items()})
            found = {path: beside for path, beside in coming.items() if beside.exists()}
            with ThreadPoolExecutor(TRANSFERS_AT_ONCE) as threads:
                list(threads.map(files.fsync, found.values()))
            for path, beside in found.items():
                if etag:
                    self._place(beside, path, etag)
                else:
                    beside.replace(path)
        finally:
            for beside in coming.values():
                beside.unlink(missing_ok=True)

    def _read(self, name: str) -> None:
        if read := self.bucket.read(name):
            self._write(self.root / name, read)

    def _write(self, target: Path, read: Content) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = files.beside_of(target)
        beside.write_bytes(read.content)
        files.fsync(beside)
        self._place(beside, target, read.etag)

    def _place(self, beside: Path, target: Path, etag: str | None) -> None:
        """Put a file in place, and after it the note of its version: without that it would be brought here anew."""
        note = self._note(self._name(target))
        note.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".etags" / ".lock"):  # readers bring the published file here while another writes
            beside.replace(target)
            files.fsync(target.parent)
            note.write_text(etag or "")

    def _has(self, name: str, etag: str) -> bool:
        return (self.root / name).exists() and self._etag(name) == etag

    def _etag(self, name: str) -> str | None:
        """The version that is here of an object; None if none is."""
        try:
            return self._note(name).read_text() if (self.root / name).exists() else None
        except FileNotFoundError:
            return None

    def _note(self, name: str) -> Path:
        return self.root / ".etags" / name

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()

    def _confirm(self) -> None:
        assert self._lease, "only the writer writes"
        self._lease.confirm()

    def _identity(self) -> str:
        path = self.root / ".mirror"
        if not path.exists():
            files.write_whole(path, uuid.uuid4().hex.encode())
        return path.read_text()


def _is_small(name: str) -> bool:
    return name in _SINGLE or (name.split("/")[0] in _FOLDERS and not name.endswith("/"))
