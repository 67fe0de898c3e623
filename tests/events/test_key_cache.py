"""The cache of keys: bounded, and deaf to what was read before an interruption or is being destroyed."""

from patron_events.jetstream.vault import KeyCache
from patron_events.sealing import new_key


def test_the_least_used_key_goes_first() -> None:
    cache = KeyCache(3)
    keys = {name: new_key() for name in "abcd"}
    for name in "abc":
        cache.put(name, keys[name], cache.generation)
    cache.get("a")
    cache.put("d", keys["d"], cache.generation)
    assert [name for name in "abcd" if cache.get(name) is keys[name]] == ["a", "c", "d"]
    assert len(cache) == 3


def test_a_key_read_before_an_interruption_is_not_kept() -> None:
    cache = KeyCache(3)
    generation = cache.generation
    cache.forget_all()
    cache.put("a", new_key(), generation)
    assert cache.get("a") is None


def test_a_destroyed_key_is_never_kept_again() -> None:
    cache = KeyCache(3)
    cache.put("a", new_key(), cache.generation)
    cache.forget("a")
    cache.put("a", new_key(), cache.generation)
    assert cache.get("a") is None
