"""A connection on which a statement costs little, and several may share a round trip.

A batch of events takes some twenty statements, and by psycopg's cursors each costs Python more than
it costs PostgreSQL. What is run again and again (`prepare=True`) goes to libpq without a cursor
here. `later` says that an answer can wait: such statements travel with the next whose answer can't,
and PostgreSQL runs them one after the other, and none behind one that fails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from select import POLLIN, POLLOUT, poll
from typing import Any, cast

import psycopg
from psycopg import pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result

Params = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
Key = tuple[str, tuple[int, ...]]  # a statement's text and its values' types

MOST = 300  # statements that the server keeps ready for a connection

_PLACEHOLDER = re.compile(r"%(?:(s)|\((\w+)\)s|(%))")


class Answer:
    """What a statement finds, as a cursor gives it. Whoever looks before it has run has it run."""

    __slots__ = ("_at", "_connection", "_rowcount", "_rows")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rows: list[Row] | None = None
        self._rowcount = -1
        self._at = 0

    def fill(self, rows: list[Row], rowcount: int) -> None:
        """It has run."""
        self._rows, self._rowcount = rows, rowcount

    @property
    def rowcount(self) -> int:
        """How many rows were found or written; -1 of a statement that does neither."""
        self._found()
        return self._rowcount

    def fetchall(self) -> list[Row]:
        """The rows that were not fetched yet."""
        rows, at = self._found(), self._at
        self._at = len(rows)
        return rows[at:] if at else rows

    def fetchone(self) -> Row | None:
        """The next row, or None behind the last."""
        rows = self._found()
        if self._at >= len(rows):
            return None
        self._at += 1
        return rows[self._at - 1]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.fetchall())

    def _found(self) -> list[Row]:
        if self._rows is None:
            self._connection.run_waiting()
        if self._rows is None:
            raise psycopg.InterfaceError("the statement was given up")
        return self._rows


class _Statement:
    """To be sent, with its values as they are sent."""

    __slots__ = ("answer", "formats", "is_binary", "text", "types", "values")

    def __init__(self, text: str, answer: Answer, *, is_binary: bool) -> None:
        self.text = text
        self.answer = answer
        self.is_binary = is_binary
        self.values: Sequence[Any] = ()
        self.types: tuple[int, ...] = ()
        self.formats: Sequence[pq.Format] = ()


class Connection(psycopg.Connection[Row]):
    """psycopg's, which runs what is prepared without a cursor.

    To be opened with `prepare_threshold=None`: what psycopg has ready itself it lets go at every
    rollback, all at once, and ours with it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._queue: list[_Statement] = []
        self._names: dict[Key, bytes] = {}  # by which the server has statements ready
        self._named = 0
        self._adapting = Transformer(self)
        self._poll = poll()
        self._polled = 0

    def execute(
        self,
        query: Any,
        params: Params | None = None,
        *,
        prepare: bool | None = None,
        binary: bool = False,
    ) -> Any:
        """psycopg's; what is prepared gives an `Answer`, which is as much of a cursor."""
        if not prepare:
            return super().execute(query, params, prepare=prepare, binary=binary)
        answer = self.later(query, params, binary=binary)
        self.run_waiting()
        return answer

    def later(self, query: str, params: Params | None = None, *, binary: bool = False) -> Answer:
        """Run this, prepared, at the latest with the next statement that is not for later."""
        answer = Answer(self)
        self._queue.append(self._ready(query, params, answer, is_binary=binary))
        return answer

    def run_waiting(self) -> None:
        """Run what was for later. Raises what the first of it raises that fails."""
        if self._queue:
            queue, self._queue = self._queue, []
            self._run(queue)

    def cursor(self, *args: Any, **options: Any) -> Any:
        """psycopg's, behind what was for later."""
        self.run_waiting()
        return super().cursor(*args, **options)

    @contextmanager
    def transaction(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Like psycopg's; it begins and ends in the round trips of what is in it. What is for later
        runs in the transaction in which it was said.
        """
        self.run_waiting()
        if not (args or options or self._is_in_transaction()):
            self.later("BEGIN")
            try:
                yield None
            except BaseException:
                self.rollback()
                raise
            self.commit()
            return
        with super().transaction(*args, **options) as transaction:
            try:
                yield transaction
                self.run_waiting()
            finally:
                self._queue.clear()

    def commit(self) -> None:
        """Commit, in the round trip of what was for later; if some of that fails, roll back."""
        if not self._queue and not self._is_in_transaction():
            return
        try:
            self.execute("COMMIT", prepare=True)
        except BaseException:
            self.rollback()
            raise

    def rollback(self) -> None:
        """Roll back, and give up what was for later. Where the server is gone, so is all of it."""
        self._queue.clear()
        if self._is_in_transaction():
            with suppress(psycopg.OperationalError):
                self.execute("ROLLBACK", prepare=True)

    @contextmanager
    def copying(self, statement: str, rows: bytes) -> Iterator[None]:
        """COPY the rows in. PostgreSQL stores them while the block runs, which asks it nothing."""
        self.run_waiting()
        self._begin_to_copy(statement, rows)
        problem: bytes | None = b"given up"
        try:
            yield
            problem = None
        finally:
            done = self._end_copying(problem)
        _raise_for(done)

    def _begin_to_copy(self, statement: str, rows: bytes) -> None:
        with self._in_step() as pgconn:
            pgconn.send_query(statement.encode())
            begun = self._next(pgconn)
            if begun is not None and begun.status == pq.ExecStatus.COPY_IN:
                while not pgconn.put_copy_data(rows):
                    self._flush(pgconn)
                self._flush(pgconn)
            else:
                self._drain(pgconn)
        _raise_for(begun)

    def _end_copying(self, problem: bytes | None) -> pq.abc.PGresult | None:
        with self._in_step() as pgconn:
            while not pgconn.put_copy_end(problem):
                self._flush(pgconn)
            done = self._next(pgconn)
            self._drain(pgconn)
            return done

    @contextmanager
    def _in_step(self) -> Iterator[pq.abc.PGconn]:
        """Talk to the server. Where that is broken off nobody would find back into step with its
        answers, so the connection is closed.
        """
        pgconn = self._open()
        try:
            yield pgconn
        except BaseException:
            pgconn.finish()
            raise

    def _is_in_transaction(self) -> bool:
        """Whether one is open, in good order or not."""
        status = self.pgconn.transaction_status
        return status in (pq.TransactionStatus.INTRANS, pq.TransactionStatus.INERROR)

    def _ready(
        self, query: str, params: Params | None, answer: Answer, *, is_binary: bool
    ) -> _Statement:
        text, names = _numbered(query) if params is not None else (query, None)
        one = _Statement(text, answer, is_binary=is_binary)
        if params:
            if names is not None:
                named = cast("Mapping[str, Any]", params)
                params = [named[name] for name in names]
            adapting = self._adapting
            given = cast("Sequence[Any]", params)
            one.values = adapting.dump_sequence(given, [PyFormat.AUTO] * len(given))
            one.types, one.formats = tuple(adapting.types or ()), adapting.formats or ()
        return one

    def _run(self, queue: list[_Statement]) -> None:
        """Send them all at once, and give each its answer."""
        if len(self._names) >= MOST:
            super().execute("DEALLOCATE ALL")
            self._names.clear()
        sent: list[_Statement | None] = []  # None: one was made ready
        made: dict[int, Key] = {}  # by its place in what was sent
        with self._in_step() as pgconn:
            pgconn.enter_pipeline_mode()
            for statement in queue:
                key = (statement.text, statement.types)
                name = self._names.get(key)
                if name is None:
                    name = self._name(key)
                    made[len(sent)] = key
                    sent.append(None)
                    pgconn.send_prepare(name, statement.text.encode(), statement.types)
                sent.append(statement)
                pgconn.send_query_prepared(
                    name, statement.values, statement.formats,
                    result_format=pq.Format(statement.is_binary),
                )  # fmt: skip
            pgconn.pipeline_sync()
            results = self._until_synced(pgconn)
            pgconn.exit_pipeline_mode()
        for place, key in made.items():
            if results[place].status in _FAILED:
                del self._names[key]
        for result in results:
            _raise_for(result)
        for one, result in zip(sent, results, strict=True):
            if one is not None:
                self._answer(one.answer, result)

    def _name(self, key: Key) -> bytes:
        self._named += 1
        name = self._names[key] = b"regulars_%d" % self._named
        return name

    def _until_synced(self, pgconn: pq.abc.PGconn) -> list[pq.abc.PGresult]:
        """All results of what was sent."""
        results: list[pq.abc.PGresult] = []
        while True:
            result = self._next(pgconn)
            if result is None:
                continue  # the end of one statement's
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                return results
            results.append(result)

    def _drain(self, pgconn: pq.abc.PGconn) -> None:
        """Come to the end of a statement's results."""
        while self._next(pgconn) is not None:
            pass

    def _next(self, pgconn: pq.abc.PGconn) -> pq.abc.PGresult | None:
        """The next result, or None where a statement's are at their end. Raises if the server has
        gone.
        """
        unsent = pgconn.flush()
        while pgconn.is_busy():
            self._wait(POLLIN | POLLOUT if unsent else POLLIN)
            pgconn.consume_input()
            if unsent:
                unsent = pgconn.flush()
        result = pgconn.get_result()
        if pgconn.status != pq.ConnStatus.OK:
            if result is not None:
                _raise_for(result)
            raise psycopg.OperationalError("the connection is lost")
        return result

    def _flush(self, pgconn: pq.abc.PGconn) -> None:
        while pgconn.flush():
            self._wait(POLLIN | POLLOUT)
            pgconn.consume_input()  # what it says of a full buffer may be why it takes no more

    def _wait(self, wanted: int) -> None:
        if wanted != self._polled:
            self._poll.register(self.pgconn.socket, wanted)
            self._polled = wanted
        self._poll.poll()

    def _open(self) -> pq.abc.PGconn:
        if self.closed:
            raise psycopg.OperationalError("the connection is closed")
        return self.pgconn

    def _answer(self, answer: Answer, result: pq.abc.PGresult) -> None:
        if result.status == pq.ExecStatus.TUPLES_OK:
            adapting, count = self._adapting, result.ntuples
            adapting.set_pgresult(result)
            answer.fill(adapting.load_rows(0, count, tuple) if count else [], count)
        else:
            count_ = result.command_tuples
            answer.fill([], -1 if count_ is None else count_)


def later(
    connection: psycopg.Connection[Any],
    query: str,
    params: Params | None = None,
    *,
    binary: bool = False,
) -> Answer | psycopg.Cursor[Any]:
    """`Connection.later`; any other connection runs it at once."""
    if isinstance(connection, Connection):
        return connection.later(query, params, binary=binary)
    return connection.execute(query, params, prepare=True, binary=binary)


def copying(
    connection: psycopg.Connection[Any], statement: str, rows: str
) -> AbstractContextManager[None]:
    """`Connection.copying`, by psycopg where the connection is another; no rows, nothing."""
    if not rows:
        return nullcontext()
    if isinstance(connection, Connection):
        return connection.copying(statement, rows.encode())
    return _copied(connection, statement, rows)


@contextmanager
def _copied(connection: psycopg.Connection[Any], statement: str, rows: str) -> Iterator[None]:
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        stream.write(rows)
        yield


def _raise_for(result: pq.abc.PGresult | None) -> None:
    """Raise the error that a result is."""
    if result is not None and result.status in _FAILED:
        raise error_from_result(result)


@lru_cache(maxsize=2_000)
def _numbered(query: str) -> tuple[str, tuple[str, ...] | None]:
    """The statement with its places numbered, as PostgreSQL has them, and their names, if any."""
    names: list[str] = []
    count = 0

    def number(found: re.Match[str]) -> str:
        nonlocal count
        if found[3]:
            return "%"
        if found[1]:
            count += 1
            return f"${count}"
        if found[2] not in names:
            names.append(found[2])
        return f"${names.index(found[2]) + 1}"

    text = _PLACEHOLDER.sub(number, query)
    return text, tuple(names) if names else None


_FAILED = frozenset(
    {pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE, pq.ExecStatus.PIPELINE_ABORTED}
)
