"""An operation that is broken off ends at once, says what became of the source, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final, NoReturn, cast

import attrs
import pytest
from ctrl_c import CtrlC, at_every_step
from faulty_runs import PLACES, Calls, Name
from loading import fill
from sending_program import stand_still

from coveo_enrich import CoveoSource, RetryPolicy, StreamClient
from coveo_enrich._threads import Task, Threads
from coveo_enrich.errors import UploadRefused
from coveo_enrich.sandbox import CoveoSandbox
from coveo_enrich.stream import chunks, intake, known_ids, load, pipeline, run, spool, updates, workers

OPERATIONS: Final[tuple[Name, ...]] = ("load", "update", "replace")
SENDING_PROGRAM: Final = Path(__file__).with_name("sending_program.py")
OPEN_FILES: Final = Path("/proc/self/fd")
PROMPT: Final = 10
"""Seconds; each time-out and each wait that is broken off here takes a minute or more."""
PRESSED_AGAIN: Final = 5
"""Seconds. Python sees a signal that comes in the moment before a system call begins when the call ends, a minute or
more later here; whoever pressed Ctrl-C presses it again."""
FAR_BEYOND: Final = 60
"""Seconds after which what should have happened never will."""
CHUNK_BYTES: Final = 600
PER_CHUNK: Final = 10
"""Items that a chunk has room for."""
ITEMS: Final = 60
HELD_BACK: Final = 5 * PER_CHUNK
"""The item at which a producer is held back when none of four uploads ends."""

pytestmark = pytest.mark.skipif(not OPEN_FILES.exists(), reason="open files are counted where the system shows them")


def _products(items: int, item_bytes: int = 0) -> Iterator[dict[str, str]]:
    for number in range(items):
        title = f"Kayak {number:05}"
        yield {"documentId": f"product://{number:05}", "title": title.ljust(item_bytes, "x")}


def _wait_until(happened: Callable[[], bool]) -> None:
    for _ in range(100 * FAR_BEYOND):
        if happened():
            return
        time.sleep(0.01)
    pytest.fail("it never happened")


class StuckStorage:
    """Takes the head of every upload, and never its body."""

    def __init__(self) -> None:
        self._listening = socket.socket()
        # Little room: a body is stuck soon.
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen()
        self._connections: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self.heads = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}/chunk"

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Listen."""
        self._thread.start()
        try:
            yield
        finally:
            self._listening.shutdown(socket.SHUT_RDWR)
            self._thread.join()
            for one in [self._listening, *self._connections]:
                one.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                self._connections.append(connection)
                connection.recv(1024)
                self.heads += 1


@pytest.fixture
def storage() -> Iterator[StuckStorage]:
    """A storage that never takes a body."""
    one = StuckStorage()
    with one.running():
        yield one


@attrs.frozen
class Scene:
    """What a phase is made of, and looked at with."""

    sandbox: CoveoSandbox
    storage: StuckStorage
    begun: int

    def seen(self, call: str, *statuses: int | None) -> int:
        """How many requests for this the sandbox has answered so since the operation began; `None`: taken in."""
        return sum(
            one.operation == call and (not statuses or one.status in statuses)
            for one in self.sandbox.requests()[self.begun :]
        )

    @property
    def calls(self) -> int:
        """How many calls were made since; uploads are none."""
        return sum(one.operation != "upload" for one in self.sandbox.requests()[self.begun :])


@attrs.frozen(kw_only=True)
class Phase:
    """A moment at which an operation is broken off.

    Attributes:
        name: What is under way.
        prepare: Sees to it that it goes on for ever.
        reached: Whether it has begun, as far as the service sees.
        blocks: The operations whose caller waits for it at once; in others, it is waited for until the caller's items
            are as many as can be.
        stop_at: The item that the producer never makes.
        item_bytes: What an item takes.
        chunk_bytes: The largest chunk.
        calls: Calls that may be made before the next one has to wait for its turn.
        ends: The operations in which close, or the deletion, was sent.
        operations: The operations that come to it.
    """

    name: str
    prepare: Callable[[Scene, Calls], object] = lambda _scene, _calls: None
    reached: Callable[[Scene, Calls], bool] = lambda _scene, _calls: True
    blocks: tuple[Name, ...] = ()
    stop_at: int | None = None
    item_bytes: int = 0
    chunk_bytes: int = CHUNK_BYTES
    calls: int = 250
    ends: tuple[Name, ...] = ()
    operations: tuple[Name, ...] = OPERATIONS

    def say_at(self, operation: Name) -> int | None:
        """The item that the producer is asked for at the latest when it is this moment; `None`: it may be none."""
        if operation in self.blocks:
            return None
        return HELD_BACK if self.stop_at is None else self.stop_at


def _hang(place: str) -> Callable[[Scene, Calls], None]:
    return lambda scene, calls: scene.sandbox.hang(_call(place, calls), times=None)


def _hangs(place: str) -> Callable[[Scene, Calls], bool]:
    return lambda scene, calls: scene.seen(_call(place, calls), None) > 0


def _call(place: str, calls: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - an operation of the sandbox
    return calls.get(place, place)


def _ask_for_a_long_pause(place: str) -> Callable[[Scene, Calls], None]:
    return lambda scene, calls: scene.sandbox.fail(_call(place, calls), 503, headers={"Retry-After": "250"}, times=None)


def _was_asked_for_a_pause(place: str) -> Callable[[Scene, Calls], bool]:
    return lambda scene, calls: scene.seen(_call(place, calls), 503) > 0


def _send_to_stuck_storage(scene: Scene, calls: Calls) -> None:
    body = json.dumps({"streamId": "s-1", "fileId": "f-1", "uploadUri": scene.storage.url})
    scene.sandbox.fail(calls["first"], 201, body=body, times=None)
    scene.sandbox.fail(calls["next"], 201, body=body, times=None)


PHASES: Final = (
    Phase(name="the producer is at work", stop_at=35),
    Phase(name="the producer is at work and uploads hang", prepare=_hang("upload"), stop_at=35),
    Phase(
        name="an upload's body is stuck",
        prepare=_send_to_stuck_storage,
        reached=lambda scene, _calls: scene.storage.heads == 4,
        item_bytes=1_000_000,
        chunk_bytes=10_100_000,
    ),
    Phase(name="an upload's reply hangs", prepare=_hang("upload"), reached=_hangs("upload")),
    Phase(
        name="an upload waits for its next try",
        prepare=_ask_for_a_long_pause("upload"),
        reached=_was_asked_for_a_pause("upload"),
    ),
    Phase(
        name="a call waits for its next try",
        prepare=_ask_for_a_long_pause("first"),
        reached=_was_asked_for_a_pause("first"),
        blocks=("load",),
    ),
    Phase(
        name="the second call waits for its pace",
        calls=1,
        reached=lambda scene, _calls: scene.calls == 1,
        blocks=("load",),
    ),
    Phase(name="the third call waits for its pace", calls=2, reached=lambda scene, _calls: scene.calls == 2),
    Phase(name="the reply to the first call hangs", prepare=_hang("first"), reached=_hangs("first"), blocks=("load",)),
    Phase(
        name="the reply to reading the source hangs",
        prepare=_hang("source"),
        reached=_hangs("source"),
        blocks=("load", "replace"),
        operations=("load", "replace"),
    ),
    Phase(name="the reply to close or update hangs", prepare=_hang("last"), reached=_hangs("last"), ends=("load",)),
    Phase(
        name="the reply to the deletion hangs",
        prepare=_hang("delete"),
        reached=_hangs("delete"),
        ends=("replace",),
        operations=("replace",),
    ),
)
EVERY_PHASE: Final = pytest.mark.parametrize(
    ("phase", "operation"),
    [
        pytest.param(phase, operation, id=f"{phase.name}-{operation}")
        for phase in PHASES
        for operation in phase.operations
    ],
)


@pytest.fixture
def scene(sandbox: CoveoSandbox, storage: StuckStorage, client: StreamClient) -> Scene:
    """A source with twenty items that were there before."""
    fill(client, 20)
    return Scene(sandbox, storage, len(sandbox.requests()))


def _assert_source_is_as_said(scene: Scene, phase: Phase, operation: Name, notes: list[str]) -> None:
    (note,) = notes
    asked = [one.operation for one in scene.sandbox.requests()[scene.begun :]]
    assert all(stream.is_open for stream in scene.sandbox.streams()[1:])
    is_ending = operation in phase.ends
    assert ("close" in asked or "delete_older_than" in asked) is is_ending
    scene.sandbox.advance(minutes=30)
    ids = {item["documentId"] for item in scene.sandbox.items()}
    assert {f"old://{number:04}" for number in range(20)} <= ids
    if operation == "load":
        assert len(ids) == 20
        assert ("close was sent, its outcome is unknown" if is_ending else "the source is as it was") in note
        return
    if "source" in asked and len(asked) == 1:
        assert len(ids) == 20
        return
    confirmed = note.split(" were confirmed and take effect")[0]
    assert int(confirmed.split(" with ")[1].removesuffix(" items")) <= len(ids) - 20
    assert ("Nothing was deleted for being older." in note) is (operation == "replace" and not is_ending)


@EVERY_PHASE
def test_a_program_that_gets_ctrl_c_ends_at_once(scene: Scene, phase: Phase, operation: Name) -> None:
    """Laws 1 and 11: a real SIGINT, whatever is under way; no thread, no file, nothing closed, and a note."""
    phase.prepare(scene, PLACES[operation])
    arguments = {
        "--items": ITEMS,
        "--item-bytes": phase.item_bytes,
        "--say-at": phase.say_at(operation),
        "--stop-at": phase.stop_at,
        "--max-chunk-bytes": phase.chunk_bytes,
        "--calls-per-five-minutes": phase.calls,
    }
    options = [str(word) for name, value in arguments.items() if value is not None for word in (name, value)]
    with subprocess.Popen(  # noqa: S603 - nothing from outside
        [sys.executable, str(SENDING_PROGRAM), operation, *options],
        env=scene.sandbox.environ(),
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout
            assert phase.say_at(operation) is None or program.stdout.readline() == "reached\n"
            _wait_until(lambda: phase.reached(scene, PLACES[operation]))
            begun = time.monotonic()
            program.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(PRESSED_AGAIN)
            program.send_signal(signal.SIGINT)  # to one that has ended already, nothing
            said, _ = program.communicate(timeout=FAR_BEYOND)
            took = time.monotonic() - begun
        finally:
            program.kill()
    left = json.loads(said)
    assert (left["error"], left["threads"], left["files"]) == ("KeyboardInterrupt", [], 0)
    assert took < PROMPT
    _assert_source_is_as_said(scene, phase, operation, left["notes"])


def _left_behind() -> tuple[set[threading.Thread], list[str]]:
    """The threads of operations, and the temporary files that are open."""
    threads = {thread for thread in threading.enumerate() if thread.name.startswith("coveo-enrich")}
    links: list[str] = []
    for name in os.listdir(OPEN_FILES):  # noqa: PTH208 - the listing itself is one of its entries, gone a moment later
        with contextlib.suppress(FileNotFoundError):
            links.append(str((OPEN_FILES / name).readlink()))
    return threads, [link for link in links if link.endswith("(deleted)")]


@contextlib.contextmanager
def _leaving_nothing() -> Generator[None]:
    before = _left_behind()
    yield
    assert _left_behind() == before


@contextlib.contextmanager
def _interrupted_when(reached: Callable[[], bool]) -> Generator[list[float]]:
    """Send SIGINT to the main thread, which runs the tests, as soon as something has happened; says when."""
    over, sent, main = threading.Event(), list[float](), threading.get_ident()
    assert threading.current_thread() is threading.main_thread()

    def watch() -> None:
        while not over.wait(0.01):
            if reached():
                sent.append(time.monotonic())
                signal.pthread_kill(main, signal.SIGINT)
                if not over.wait(PRESSED_AGAIN):
                    signal.pthread_kill(main, signal.SIGINT)
                return

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield sent
    finally:
        over.set()
        watcher.join()
        signal.signal(signal.SIGINT, handler)


@EVERY_PHASE
def test_an_interrupt_of_the_main_thread_ends_at_once(scene: Scene, phase: Phase, operation: Name) -> None:
    """Laws 1 and 11: in a program that goes on, such as a notebook, nothing of the operation goes on with it."""
    phase.prepare(scene, PLACES[operation])
    said = threading.Event()
    if phase.say_at(operation) is None:
        said.set()

    def producer() -> Iterator[dict[str, str]]:
        for number, product in enumerate(_products(ITEMS, phase.item_bytes)):
            if number == phase.say_at(operation):
                said.set()
            if number == phase.stop_at:
                stand_still()
            yield product

    def has_begun() -> bool:
        return said.is_set() and phase.reached(scene, PLACES[operation])

    with (
        _leaving_nothing(),
        StreamClient(
            CoveoSource(**scene.sandbox.connection),
            max_chunk_bytes=phase.chunk_bytes,
            calls_per_five_minutes=phase.calls,
        ) as client,
        _interrupted_when(has_begun) as sent,
    ):
        with pytest.raises(KeyboardInterrupt) as caught:
            getattr(client, operation)(producer())
        assert time.monotonic() - sent[0] < PROMPT
    _assert_source_is_as_said(scene, phase, operation, getattr(caught.value, "__notes__", []))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_ctrl_c_at_any_step_of_a_run_leaves_nothing(operation: Name) -> None:
    """Law 11: whichever step it comes at, no thread and no file is left while the error that comes out still is."""
    client = StreamClient(CoveoSource(organization_id="o", source_id="s", api_key="xx"), max_chunk_bytes=100)
    options = {} if operation == "update" else {"expected_items": 3}
    products = list(_products(3))

    def scenario(ctrl_c: CtrlC) -> None:
        error: BaseException | None = None
        with _leaving_nothing():
            try:
                with ctrl_c:
                    getattr(client, operation)(products, dry_run=True, **options)
            except KeyboardInterrupt as caught:
                error = caught  # and with it whatever each step had in hand
        assert ctrl_c.came is (error is not None)

    rooms = [chunks, intake, known_ids, load, pipeline, run, spool, tempfile, updates, workers]
    assert at_every_step(scenario, [str(room.__file__) for room in rooms]) > 1_000


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("error", [OSError("disk"), KeyError("k"), KeyboardInterrupt(), SystemExit(3)])
def test_a_producer_that_raises_ends_at_once_while_uploads_hang(
    scene: Scene, client: StreamClient, operation: Name, error: BaseException
) -> None:
    """Laws 1 and 11: its error comes out as it is, with a note, and no upload is waited for."""
    scene.sandbox.hang("upload", times=None)

    def producer() -> Iterator[dict[str, str]]:
        yield from _products(35)
        _wait_until(lambda: scene.seen("upload", None) == 3)
        raise error

    with _leaving_nothing():
        begun = time.monotonic()
        with pytest.raises(type(error)) as caught:
            getattr(client, operation)(producer())
        assert time.monotonic() - begun < FAR_BEYOND
        assert caught.value is error
    phase = Phase(name="the producer raises")
    _assert_source_is_as_said(scene, phase, operation, error.__notes__)
    del error.__notes__


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_chunk_takes_its_way_while_the_producer_is_slow(scene: Scene, client: StreamClient, operation: Name) -> None:
    """Law 11: the producer waits in the middle of the second chunk until the first was taken, and it is."""
    taken = "upload" if operation == "load" else "update"

    def producer() -> Iterator[dict[str, str]]:
        for number, product in enumerate(_products(ITEMS)):
            if number == PER_CHUNK + 2:
                _wait_until(lambda: scene.seen(taken, 200, 202) == 1)
            yield product

    assert getattr(client, operation)(producer()).items == ITEMS


class EnoughSeen(Exception):
    """Ends an operation from its producer when the test has seen what it wanted."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_items_are_encoded_while_uploads_hang(scene: Scene, client: StreamClient, operation: Name) -> None:
    """Law 11: with one upload that is never answered, the producer is asked for the whole of the next chunk."""
    scene.sandbox.hang("upload", times=None)
    asked: list[int] = []

    def producer() -> Iterator[dict[str, str]]:
        for number, product in enumerate(_products(ITEMS)):
            if number == PER_CHUNK + 2:
                _wait_until(lambda: scene.seen("upload", None) == 1)
            if number == 2 * PER_CHUNK:
                raise EnoughSeen
            asked.append(number)
            yield product

    with pytest.raises(EnoughSeen):
        getattr(client, operation)(producer())
    assert len(asked) == 2 * PER_CHUNK


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("concurrency", [1, 2, 4, 8])
def test_so_many_uploads_are_under_way_at_once(
    scene: Scene, source: CoveoSource, operation: Name, concurrency: int
) -> None:
    """Law 11: ``concurrency`` uploads reach the storage before the first of them is answered."""
    scene.sandbox.hang("upload", times=None)

    def producer() -> Iterator[dict[str, str]]:
        yield from _products(concurrency * PER_CHUNK + 2)
        _wait_until(lambda: scene.seen("upload", None) == concurrency)
        raise EnoughSeen

    client = StreamClient(source, max_chunk_bytes=CHUNK_BYTES, concurrency=concurrency)
    with client, pytest.raises(EnoughSeen):
        getattr(client, operation)(producer())
    assert scene.seen("upload") == concurrency


@pytest.fixture
def chunk_files(monkeypatch: pytest.MonkeyPatch) -> list[IO[bytes]]:
    """Every chunk file that is made, closed or not."""
    made: list[IO[bytes]] = []

    def temporary_file(**how: Any) -> IO[bytes]:  # noqa: ANN401 - passed on
        file = cast("IO[bytes]", tempfile.TemporaryFile(**how))  # noqa: SIM115 - the library closes it
        if not how["buffering"]:  # those of ids have one
            made.append(file)
        return file

    monkeypatch.setattr(spool, "tempfile", SimpleNamespace(TemporaryFile=temporary_file))
    return made


@pytest.fixture
def held_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    """No upload ends; where an operation would wait for one, it is over."""
    scene.sandbox.hang("upload", times=None)

    class Endless(Threads):
        def wait_for_one(self, tasks: Iterable[object]) -> NoReturn:  # noqa: ARG002 - as it is called
            raise EnoughSeen

    monkeypatch.setattr(workers, "Threads", Endless)
    return scene


@pytest.mark.usefixtures("held_up")
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_slow_network_holds_the_producer_back(
    source: CoveoSource, chunk_files: list[IO[bytes]], operation: Name, concurrency: int
) -> None:
    """Law 11: when no upload ends, there is one chunk file more than uploads, and one item more was made than fits."""
    asked = 0

    def producer() -> Iterator[dict[str, str]]:
        nonlocal asked
        for product in _products(1_000):
            asked += 1
            yield product

    client = StreamClient(source, max_chunk_bytes=CHUNK_BYTES, concurrency=concurrency)
    with _leaving_nothing(), client, pytest.raises(EnoughSeen):
        getattr(client, operation)(producer())
    assert asked == (concurrency + 1) * PER_CHUNK + 1
    assert len(chunk_files) == concurrency + 1
    assert all(file.closed for file in chunk_files)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_never_more_chunk_files_than_uploads_and_one(
    source: CoveoSource, chunk_files: list[IO[bytes]], operation: Name
) -> None:
    """Law 11: at each item of a run that succeeds, at most ``concurrency`` + 1 chunk files are open."""

    def producer() -> Iterator[dict[str, str]]:
        for product in _products(1_000):
            assert sum(not file.closed for file in chunk_files) <= 3
            yield product

    with StreamClient(source, max_chunk_bytes=CHUNK_BYTES, concurrency=2) as client:
        receipt = getattr(client, operation)(producer(), **({} if operation == "update" else {"allow_shrink": True}))
    assert len(chunk_files) == len(receipt.chunks) == 100


@pytest.fixture
def ended_uploads(monkeypatch: pytest.MonkeyPatch) -> list[Task[Any]]:
    """The uploads that have ended, as the thread of the operation sees it."""
    ended: list[Task[Any]] = []

    class Watched(Task[Any]):
        def run(self) -> None:
            super().run()
            ended.append(self)

    monkeypatch.setattr(workers, "Task", Watched)
    return ended


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_chunk_that_was_refused_ends_the_operation_with_the_next_one(
    scene: Scene, source: CoveoSource, ended_uploads: list[Task[Any]], operation: Name
) -> None:
    """Law 11: a producer is not asked for four chunks more, whose making may cost hours, when the first is refused."""
    scene.sandbox.fail("upload", 413, times=None)
    asked = 0

    def producer() -> Iterator[dict[str, str]]:
        nonlocal asked
        for product in _products(200):
            if asked == PER_CHUNK + 2:
                _wait_until(lambda: len(ended_uploads) == 1)
            asked += 1
            yield product

    client = StreamClient(source, max_chunk_bytes=CHUNK_BYTES, retry=RetryPolicy(attempts=1))
    with client, pytest.raises(UploadRefused):
        getattr(client, operation)(producer())
    assert asked == 2 * PER_CHUNK + 1


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_interrupt_while_a_thread_is_started_leaves_nothing(
    scene: Scene,
    client: StreamClient,
    chunk_files: list[IO[bytes]],
    monkeypatch: pytest.MonkeyPatch,
    operation: Name,
) -> None:
    """Law 11: an interrupt may come at any moment, also when a thread runs already and its start has not returned."""
    scene.sandbox.hang("upload", times=None)
    start = threading.Thread.start

    def start_and_raise(thread: threading.Thread) -> None:
        start(thread)
        if thread.name.startswith("coveo-enrich"):
            raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", start_and_raise)
    with pytest.raises(KeyboardInterrupt):
        getattr(client, operation)(_products(ITEMS))
    assert _left_behind()[0] == set()
    assert all(file.closed for file in chunk_files)
