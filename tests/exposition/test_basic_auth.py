import base64
from collections.abc import Callable
from threading import Event, Thread

import bcrypt
import pytest

from exporter.exposition.basic_auth import HIGHEST_COST, LOWEST_COST, Login, cost, refuse_unusable

PATIENCE_SECONDS = 5.0
LEAST_COST = 4


def hashed(password: str, rounds: int = LEAST_COST) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(rounds)).decode()


def basic(user: str | bytes, password: str | bytes, encoding: str = "utf-8") -> str:
    pair = [part.encode(encoding) if isinstance(part, str) else part for part in (user, password)]
    return "Basic " + base64.b64encode(b":".join(pair)).decode()


class Counting:
    """The real check, which keeps what it was asked."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []

    def __call__(self, password: bytes, found: bytes) -> bool:
        """Check."""
        self.hashes.append(found)
        return bcrypt.checkpw(password, found)


@pytest.fixture
def counting() -> Counting:
    return Counting()


USERS = {"prometheus": hashed("s3cret"), "mäuse": hashed("käse: und mehr"), "none": hashed("")}


@pytest.mark.parametrize(
    ("authorization", "admitted"),
    [
        (basic("prometheus", "s3cret"), True),
        (basic("prometheus", "s3cret").replace("Basic ", "bAsIC  "), True),
        (basic("mäuse", "käse: und mehr"), True),
        (basic("none", ""), True),
        (basic("prometheus", "S3cret"), False),
        (basic("prometheus", ""), False),
        (basic("prometheus", "käse: und mehr"), False),
        (basic("Prometheus", "s3cret"), False),
        (basic("nobody", "s3cret"), False),
        (basic("", ""), False),
        (basic("mäuse", "käse: und mehr", "latin-1"), False),
        (basic(b"\xff", b"\x00"), False),
        ("Basic " + base64.b64encode(b"prometheus").decode(), False),
        ("Basic cHJvbWV0aGV1czpzM2NyZXQ", False),
        ("Basic \xe4", False),
        ("Basic", False),
        ("", False),
        (basic("prometheus", "s3cret").replace("Basic", "Bearer"), False),
    ],
)
def test_who_is_admitted(authorization, admitted):
    """A user with the right password, and nobody else; the second time as the first."""
    login = Login(USERS)

    assert [login.admits(authorization) for _ in range(2)] == [admitted] * 2


def test_hashes_of_other_programs():
    """Apache's htpasswd writes 2y for what bcrypt now calls 2b."""
    login = Login({"a": USERS["prometheus"].replace("$2b$", "$2y$", 1)})

    assert login.admits(basic("a", "s3cret"))


def test_long_passwords():
    """Bcrypt looks at 72 bytes; a longer password works all the same."""
    login = Login({"a": hashed("x" * 100)})

    assert login.admits(basic("a", "x" * 100))
    assert not login.admits(basic("a", "x" * 71))


def test_what_was_found_is_remembered(counting):
    """Prometheus logs in with every scrape: the slow check is made once, for a refusal too."""
    login = Login(USERS, counting)

    for _ in range(10):
        assert login.admits(basic("prometheus", "s3cret"))
        assert not login.admits(basic("prometheus", "wrong"))

    assert len(counting.hashes) == 2


def test_many_refusals_are_forgotten_and_no_admission(counting):
    """Guessing neither fills the memory nor costs users their place in it."""
    login = Login({"a": USERS["none"]}, counting)
    assert login.admits(basic("a", ""))
    for number in range(300):
        assert not login.admits(basic("a", f"{number}"))

    assert len(login._refused) == 256
    checks = len(counting.hashes)
    assert login.admits(basic("a", ""))
    assert len(counting.hashes) == checks


def test_nothing_that_is_kept_tells_a_password():
    """Digests under a key of this object: the same login is another digest elsewhere."""
    first, second = Login(USERS), Login(USERS)
    for login in (first, second):
        assert login.admits(basic("prometheus", "s3cret"))

    assert first._admitted.keys() == second._admitted.keys()
    assert set(first._admitted.values()).isdisjoint(second._admitted.values())


def test_users_that_do_not_exist_take_as_long(counting):
    """The same work is done for them, always the same for the same name."""
    login = Login({"a": hashed("x", 4), "b": hashed("x", 5)}, counting)
    for name in ("nobody", "noone", "anyone", "someone", "everyone"):
        counting.hashes.clear()
        for attempt in range(4):
            assert not login.admits(basic(name, f"{attempt}"))
        assert len({cost(each.decode()) for each in counting.hashes}) == 1
        assert len(counting.hashes) == 4
        assert not {each.decode() for each in counting.hashes} & set(USERS.values())


def test_one_check_at_a_time():
    """Whoever is not yet in line for it waits no longer than somebody waits for the answer."""
    turn, end = Event(), Event()
    waits = iter([False, False, True])

    def check(_: bytes, __: bytes) -> bool:
        turn.set()
        return end.wait(PATIENCE_SECONDS)

    login = Login(USERS, check)
    slow = Thread(target=login.admits, args=(basic("prometheus", "s3cret"),))
    slow.start()
    assert turn.wait(PATIENCE_SECONDS)

    assert not login.admits(basic("prometheus", "other"), is_gone=lambda: next(waits))

    end.set()
    slow.join(PATIENCE_SECONDS)
    assert next(waits, None) is None


def test_a_client_that_guesses_is_in_line_once():
    """However much it tries at once, another one's login comes after one check of it."""
    turn, end = Event(), Event()

    def check(password: bytes, _: bytes) -> bool:
        turn.set()
        assert end.wait(PATIENCE_SECONDS)
        return password == b"s3cret"

    login = Login(USERS, check)
    others = (b"%d" % number for number in range(100))
    other = next(each for each in others if login._keyed(each)[0] != login._keyed(b"guesser")[0])
    found: list[bool] = []
    gone: Callable[[], bool] = lambda: True  # noqa: E731 - only who is not in line asks it
    guess = lambda: login.admits(basic("prometheus", "guess"), b"guesser", gone)  # noqa: E731 - a thread's target
    ask = lambda: found.append(login.admits(basic("prometheus", "s3cret"), other, gone))  # noqa: E731 - a thread's target
    threads = [Thread(target=guess), Thread(target=ask)]
    threads[0].start()
    assert turn.wait(PATIENCE_SECONDS)
    threads[1].start()

    assert not login.admits(basic("prometheus", "another guess"), b"guesser", gone)

    end.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert found == [True]


def test_those_who_wait_use_what_the_first_found():
    """Many scrapes at once after a start cost one check."""
    turn, end = Event(), Event()
    found: list[bool] = []
    calls: list[bytes] = []

    def check(_: bytes, known: bytes) -> bool:
        calls.append(known)
        turn.set()
        return end.wait(PATIENCE_SECONDS)

    login = Login(USERS, check)
    ask: Callable[[], None] = lambda: found.append(login.admits(basic("prometheus", "s3cret")))  # noqa: E731 - a thread's target
    threads = [Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert turn.wait(PATIENCE_SECONDS)
    end.set()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)

    assert (found, len(calls)) == ([True] * 5, 1)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3cret",
        "$1$abc",
        "$2b$4$abc",
        USERS["none"][:-1],
        USERS["none"] + "a",
        USERS["none"].replace("$04$", "$\u0660\u0664$"),
        USERS["none"][:-1] + "/",
    ],
)
def test_what_is_no_hash(text):
    """Only whole bcrypt hashes are."""
    with pytest.raises(ValueError, match="bcrypt"):
        cost(text)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (USERS["none"].replace("$04$", "$03$"), "cost 3 is too low; 4 is the least"),
        (USERS["none"].replace("$04$", "$00$"), "cost 0 is too low"),
        (USERS["none"].replace("$04$", "$17$"), "cost 17 takes too long; 16 is the most"),
        (USERS["none"].replace("$04$", "$99$"), "cost 99 takes too long"),
        (USERS["none"][:28] + "a" + USERS["none"][29:], "its salt is damaged"),
        (USERS["none"][:-1], "not a bcrypt hash"),
    ],
)
def test_what_nobody_could_log_in_with(damaged, said):
    """It looks like a hash, but bcrypt would fail with it, or never be done."""
    with pytest.raises(ValueError, match=said):
        refuse_unusable(damaged)


@pytest.mark.parametrize("work", [LOWEST_COST, 10, HIGHEST_COST])
def test_every_hash_that_works_can_be_used(work):
    """Finding that out costs no more for a high cost."""
    for kind in ("2a", "2b", "2y"):
        refuse_unusable(USERS["none"].replace("$2b$04$", f"${kind}${work:02}$"))


def test_the_cost_of_a_hash():
    """It is in it."""
    assert cost(USERS["none"]) == LEAST_COST
