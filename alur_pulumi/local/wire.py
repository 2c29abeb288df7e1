"""Between Pulumi's property values and plain Python."""

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider.experimental.property_value import PropertyValue, ResourceReference

from alur_pulumi.local.resources.base import Props


def to_plain(value: PropertyValue) -> Any:
    """A property value as plain Python; a resource becomes its id, an unknown stays the engine's mark."""
    inner = value.value
    if isinstance(inner, ResourceReference):
        return to_plain(inner.resource_id) if inner.resource_id else inner.urn
    if isinstance(inner, float):
        return int(inner) if inner.is_integer() else inner
    if isinstance(inner, Mapping):
        return {key: to_plain(item) for key, item in inner.items()}
    if isinstance(inner, list | tuple):
        return [to_plain(item) for item in inner]
    return inner


def to_value(value: Any) -> PropertyValue:
    """Plain Python as a property value."""
    if isinstance(value, bool) or value is None or isinstance(value, str | pulumi.Asset | pulumi.Archive):
        return PropertyValue(value)
    if isinstance(value, int | float):
        return PropertyValue(float(value))
    if isinstance(value, Mapping):
        return PropertyValue({key: to_value(item) for key, item in value.items()})
    return PropertyValue([to_value(item) for item in value])


def to_props(values: Mapping[str, PropertyValue]) -> Props:
    """All properties of a request."""
    return {key: to_plain(value) for key, value in values.items()}


def to_values(props: Mapping[str, Any]) -> dict[str, PropertyValue]:
    """All properties of an answer."""
    return {key: to_value(value) for key, value in props.items()}
