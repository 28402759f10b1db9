"""Settings from plain values, as a card or a run's record holds them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

from nasion.errors import NasionError

SettingsT = TypeVar("SettingsT")


def settings_from(kind: type[SettingsT], values: dict[str, Any]) -> SettingsT:
    """Return settings, a dataclass; lists become tuples, and settings inside settings are made, too.

    Raises
    ------
    NasionError
        A name is unknown or a value not allowed.

    """
    kinds = get_type_hints(kind)
    unknown = sorted(set(values) - {field.name for field in fields(kind)})  # type: ignore[arg-type]
    if unknown:
        raise NasionError(f"unknown setting {unknown[0]!r}; made by another version of Nasion? Train or install again")
    return kind(**{name: _made(kinds[name], value) for name, value in values.items()})


def _made(kind: Any, value: Any) -> Any:
    if is_dataclass(kind) and isinstance(value, dict):
        return settings_from(kind, value)  # type: ignore[arg-type]
    return tuple(value) if isinstance(value, list) else value
