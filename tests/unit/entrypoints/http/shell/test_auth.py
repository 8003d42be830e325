"""API keys and the refusal to start exposed."""

import ast
import inspect
import textwrap
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from portfolio.entrypoints.http.shell.auth import Keyring, Scope, check_exposure, presented_key
from portfolio.entrypoints.server import warn_of_readable_secrets
from portfolio.settings import Settings, SettingsError

SECRET = "s3cret-" * 4


def ring(text: str) -> Keyring:
    """The keys of that text."""
    return Keyring.of(Settings(api_keys=text))


def test_a_key_has_a_name_and_the_scopes_it_lists() -> None:
    caller = ring(f"engine-a:read+trade:{SECRET}, boss:admin:{SECRET}:x").caller(SECRET)
    assert caller is not None
    assert (caller.name, caller.scopes) == ("engine-a", frozenset({Scope.READ, Scope.TRADE}))


@pytest.mark.parametrize("wrong", ["", SECRET[:-1], SECRET + "x", SECRET.upper(), "\udce9" * 28])
def test_nobody_has_a_wrong_key(wrong: str) -> None:
    assert ring(f"a:read:{SECRET}").caller(wrong) is None


@pytest.mark.parametrize(
    "entry",
    [
        SECRET,
        f"a:{SECRET}",
        f"a:root:{SECRET}",
        f"a::{SECRET}",
        f":read:{SECRET}",
        f"a b:read:{SECRET}",
        "a:read:short-secret",
        f"a:read:{SECRET}\u00e9",
        f"a:read:{SECRET},a:trade:{SECRET}x",
        f"a:read:{SECRET},b:read:{SECRET}",
    ],
)
def test_a_wrong_entry_stops_the_start_without_being_shown(entry: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ring(entry)
    assert SECRET not in str(caught.value)
    assert "short-secret" not in str(caught.value)


def test_keys_come_from_a_file_too(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# engines\na:read:{SECRET}\n\nb:trade:{SECRET}2,c:admin:{SECRET}3\n")
    file.chmod(0o600)
    keys = Keyring.of(Settings(api_keys_file=str(file)))
    assert [keys.caller(SECRET + end) is not None for end in ("", "2", "3", "4")] == [True, True, True, False]
    with pytest.raises(SettingsError, match="cannot be read"):
        Keyring.of(Settings(api_keys_file=str(tmp_path / "none")))


def test_what_is_wrong_in_the_file_names_the_file_and_the_line(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# engines\n\nengine:trade:{'e' * 24}\nreader:read:short\n")
    file.chmod(0o600)
    with pytest.raises(SettingsError) as refused:
        Keyring.of(Settings(api_keys=f"first:read:{'f' * 24}", api_keys_file=str(file)))
    assert str(refused.value).startswith("PORTFOLIO_API_KEYS_FILE, line 4: the key has to be")


def test_no_secret_is_in_a_repr() -> None:
    keys = ring(f"a:read:{SECRET}")
    assert SECRET not in repr(keys) + repr(vars(keys)) + repr(keys.caller(SECRET))


@pytest.mark.parametrize(
    "settings",
    [
        Settings(host="127.0.0.1"),
        Settings(host="::1"),
        Settings(host="0.0.0.0", allow_open=True),  # noqa: S104  # what is said to it, not bound
        Settings(host="0.0.0.0", api_keys=f"a:read:{SECRET}"),  # noqa: S104  # what is said to it, not bound
    ],
)
def test_it_starts_where_nobody_else_is_served_without_a_key(settings: Settings) -> None:
    check_exposure(settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "books.example", ""])  # noqa: S104  # what is said to it, not bound
def test_it_refuses_to_start_exposed_and_says_how_to_make_a_key(host: str) -> None:
    with pytest.raises(SettingsError, match="portfolio key NAME") as caught:
        check_exposure(Settings(host=host))
    assert "PORTFOLIO_API_KEYS" in str(caught.value)
    assert "PORTFOLIO_ALLOW_OPEN" in str(caught.value)


def test_no_key_is_told_from_an_empty_one() -> None:
    assert presented_key([(b"host", b"x")]) is None
    assert presented_key([(b"x-trading-api-key", b"")]) == ""


def test_a_key_is_compared_with_every_key_in_constant_time() -> None:
    # Time cannot be asserted on; that nothing but `hmac.compare_digest` compares, and that nothing ends the loop, can.
    tree = ast.parse(textwrap.dedent(inspect.getsource(Keyring.caller)))
    [loop] = [node for node in ast.walk(tree) if isinstance(node, ast.For)]
    assert not [node for node in ast.walk(loop) if isinstance(node, ast.Break | ast.Return | ast.Continue | ast.Raise)]
    [choice] = [node for node in ast.walk(tree) if isinstance(node, ast.If)]
    assert ast.unparse(choice.test) == "hmac.compare_digest(key.digest, given)"
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Compare | ast.IfExp | ast.comprehension)]


def test_keys_are_held_as_digests_of_one_length() -> None:
    [short, long] = ring(f"a:read:{SECRET},b:read:{SECRET * 4}")._keys
    assert len(short.digest) == len(long.digest) == 32
    assert SECRET.encode() not in short.digest + long.digest


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_key_file_that_others_may_write_stops_the_start(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "keys"
    file.write_text(f"a:read:{SECRET}\n")
    file.chmod(mode)
    with pytest.raises(SettingsError, match="PORTFOLIO_API_KEYS_FILE: others than its owner may write"):
        Keyring.of(Settings(api_keys_file=str(file)))


@pytest.mark.parametrize(("mode", "warned"), [(0o644, True), (0o604, True), (0o640, False), (0o600, False)])
def test_a_key_file_that_all_may_read_is_told_of(tmp_path: Path, mode: int, warned: bool) -> None:
    file = tmp_path / "keys"
    file.write_text(f"a:read:{SECRET}\n")
    file.chmod(mode)
    settings = Settings(api_keys_file=str(file))
    assert Keyring.of(settings)
    with capture_logs() as logs:
        warn_of_readable_secrets(settings)
    told = [entry["event"] for entry in logs if entry.get("file") == str(file)]
    assert told == (["secrets.readable_by_all"] if warned else [])
