"""Frozen dataclasses that jax can look into."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar, dataclass_transform

import jax

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def pytree(*, static: tuple[str, ...] = ()) -> Any:
    """Decorate a class into a frozen dataclass whose fields are pytree children.

    Unlike `jax.tree_util.register_dataclass` a rebuilt tree bypasses `__init__`, because jax
    also fills trees with leaves that are no arrays (axis numbers, shapes, placeholders), which
    the shape checks of the constructor would reject.

    **Arguments:**

    - `static`: names of the fields that belong to the compiled program, not to its data.
    """

    def decorate(cls: type[T]) -> type[T]:
        frozen = dataclass(frozen=True, eq=False)(cls)
        names = [f.name for f in fields(frozen)]  # type: ignore[arg-type]
        _register(frozen, tuple(n for n in names if n not in static), static)
        return frozen

    return decorate


def _register(cls: type, children: tuple[str, ...], static: tuple[str, ...]) -> None:
    def flatten(node: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(node, n) for n in children), tuple(getattr(node, n) for n in static)

    def flatten_with_keys(node: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        leaves, aux = flatten(node)
        return tuple(zip(map(jax.tree_util.GetAttrKey, children), leaves, strict=True)), aux

    def unflatten(aux: tuple[Any, ...], leaves: tuple[Any, ...]) -> Any:
        node = object.__new__(cls)
        for name, value in zip(children + static, (*leaves, *aux), strict=True):
            object.__setattr__(node, name, value)
        return node

    jax.tree_util.register_pytree_with_keys(cls, flatten_with_keys, unflatten, flatten)  # type: ignore[arg-type]
