"""Answers kept by what they depend on: the least recently used go first, and each is computed once at a time."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Cache(Generic[Answer]):
    """At most ``entries`` answers by key; threads that ask for the same one wait for the first of them."""

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._kept: OrderedDict[Hashable, Answer] = OrderedDict()
        self._at_work: dict[Hashable, Lock] = {}
        self._lock = Lock()

    def get(self, key: Hashable, compute: Callable[[], Answer]) -> Answer:
        """The answer under ``key``, from ``compute`` where it is not kept. An error is raised and not kept."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            turn = self._at_work.setdefault(key, Lock())
        with turn:
            with self._lock:
                if key in self._kept:
                    return self._kept[key]
            try:
                answer = compute()
                self._keep(key, answer)
            finally:
                with self._lock:
                    self._at_work.pop(key, None)
        return answer

    def _keep(self, key: Hashable, answer: Answer) -> None:
        with self._lock:
            self._kept[key] = answer
            while len(self._kept) > self._entries:
                self._kept.popitem(last=False)
