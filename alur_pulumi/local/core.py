"""The provider without Pulumi's wire protocol: check, diff, create, read, update and delete."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pulumi

from alur_pulumi.local.errors import InvalidInputError, UnsupportedArgumentError, UnsupportedTypeError
from alur_pulumi.local.resources.base import ASSET_DIGEST, UNKNOWN, Aws, Kind, Props, keep_asset
from alur_pulumi.local.resources.invokes import INVOKES
from alur_pulumi.local.resources.registry import KINDS

INPUTS = "__inputs"
"""Where the state keeps the inputs: a diff is given the old state, not the old inputs."""

DEFAULTS = "__defaults"
"""Where the inputs keep which of them were made up here and not set by the program."""

DESCRIBED = "__described"
"""Where the state keeps which arguments AWS showed: one that it never shows cannot have changed there."""

_SUFFIX_LENGTH = 7


@attrs.frozen
class Change:
    """What a new set of inputs would do to a resource."""

    added: frozenset[str] = frozenset()
    deleted: frozenset[str] = frozenset()
    updated: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    delete_before_replace: bool = False

    @property
    def changed(self) -> frozenset[str]:
        """Every property that differs."""
        return self.added | self.deleted | self.updated


@attrs.frozen
class ProviderCore:
    """Deploys resources to an AWS on this machine."""

    aws: Aws
    folder: Path = attrs.field(factory=Path.cwd)
    """What relative paths of file assets start from."""

    def check(self, urn: str, old: Props, new: Props, seed: bytes) -> Props:
        """Refuse what is not supported and give a name to what has none.

        Args:
            urn: The resource's URN.
            old: The inputs of the last deployment, none for a new resource or a replacement.
            new: What the program gives.
            seed: What the made-up part of a name comes from.

        Raises:
            UnsupportedTypeError: The type is not known here.
            UnsupportedArgumentError: An argument would have to be ignored.
            InvalidInputError: A required argument is missing, or a name would be too long.
        """
        kind = kind_of(urn)
        checked = {key: value for key, value in new.items() if value is not None and key != DEFAULTS}
        for argument in checked:
            if argument not in kind.arguments:
                raise UnsupportedArgumentError(kind.token, argument, kind.arguments)
        for argument in sorted(kind.required):
            if argument not in checked:
                raise InvalidInputError(kind.token, argument, "is missing")
        for argument, value in checked.items():
            if isinstance(value, pulumi.Asset | pulumi.Archive):
                checked[argument] = _kept(kind, argument, value, self.folder)
        name = kind.name_argument
        prefixed = "namePrefix" if name == "name" else f"{name}Prefix"
        if name and name not in checked:
            if name in old.get(DEFAULTS, ()):
                checked[name] = old[name]
            else:
                checked[name] = _made_up_name(kind, urn, seed, checked.get(prefixed))
            checked[DEFAULTS] = [name]
        return checked

    def diff(self, urn: str, state: Props, new: Props, ignore: Iterable[str] = ()) -> Change:
        """Compare the inputs of the last deployment with new ones."""
        kind = kind_of(urn)
        old = state.get(INPUTS, {})
        left_out = {DEFAULTS, *ignore}
        keys = (old.keys() | new.keys()) - left_out
        before = {key: canonical(kind, key, old.get(key)) for key in keys}
        after = {key: canonical(kind, key, new.get(key)) for key in keys}
        differing = {key for key in keys if before[key] != after[key] or _holds_unknown(new.get(key))}
        replaces = differing & kind.replace_on
        name = kind.name_argument
        own_name = not name or (name not in new.get(DEFAULTS, ()) and old.get(name) == new.get(name))
        return Change(
            added=frozenset(key for key in differing if before[key] is None),
            deleted=frozenset(key for key in differing if after[key] is None),
            updated=frozenset(key for key in differing if before[key] is not None and after[key] is not None),
            replaces=frozenset(replaces),
            delete_before_replace=bool(replaces) and bool(name) and own_name,
        )

    def create(self, urn: str, inputs: Props, *, preview: bool = False) -> tuple[str, Props]:
        """Create a resource; a preview only says which outputs are not known yet."""
        kind = kind_of(urn)
        if preview:
            unknown = dict.fromkeys(kind.computed, UNKNOWN)
            return "", {**unknown, **_without_assets(inputs)}
        resource_id = kind.create(self.aws, inputs)
        if inputs.get("tags"):
            kind.write_tags(self.aws, resource_id, {}, inputs["tags"])
        return resource_id, self._state(kind, resource_id, inputs)

    def read(self, urn: str, resource_id: str, state: Props, inputs: Props) -> tuple[Props, Props] | None:
        """The true state and the inputs that would lead to it, or None if the resource is gone."""
        kind = kind_of(urn)
        actual = kind.describe(self.aws, resource_id)
        if actual is None:
            return None
        if not state:
            # An import: there is nothing to compare with, so what is there is what was asked for.
            # AWS fills in what is computed: a program that leaves it out asks for no other.
            imported = {key: value for key, value in actual.items() if key in kind.arguments - kind.computed}
            return {**actual, INPUTS: _stored(imported), DESCRIBED: sorted(imported)}, imported
        true_inputs = dict(inputs)
        stored = dict(state.get(INPUTS, {}))
        for key in kind.arguments - kind.contents:
            if canonical(kind, key, state.get(key)) == canonical(kind, key, actual.get(key)):
                continue
            if key in actual:
                true_inputs[key] = stored[key] = actual[key]
            elif key in state.get(DESCRIBED, ()):
                true_inputs.pop(key, None)
                stored.pop(key, None)
        if kind.witness and state.get(kind.witness) != actual.get(kind.witness):
            for key in kind.contents & stored.keys():
                stored[key] = {"changedElsewhere": actual.get(kind.witness)}
        kept = {key: value for key, value in state.items() if key not in kind.arguments or key in stored}
        described = sorted(actual.keys() & kind.arguments)
        return {**kept, **actual, INPUTS: stored, DESCRIBED: described}, true_inputs

    def update(self, urn: str, resource_id: str, state: Props, new: Props, *, preview: bool = False) -> Props:
        """Bring a resource to new inputs and return its new state."""
        kind = kind_of(urn)
        if preview:
            kept = {key: value for key, value in state.items() if key not in kind.arguments}
            kept.pop(INPUTS, None)
            kept.pop(DESCRIBED, None)
            if kind.witness and kind.contents & self.diff(urn, state, new).changed:
                kept[kind.witness] = UNKNOWN
            return {**kept, **_without_assets(new)}
        old = state.get(INPUTS, {})
        kind.update(self.aws, resource_id, old, new)
        if old.get("tags", {}) != new.get("tags", {}):
            kind.write_tags(self.aws, resource_id, old.get("tags", {}), new.get("tags", {}))
        return self._state(kind, resource_id, new)

    def delete(self, urn: str, resource_id: str, state: Props) -> None:
        """Delete a resource."""
        kind_of(urn).delete(self.aws, resource_id, state)

    def invoke(self, token: str, arguments: Props) -> Props:
        """Call a function of the provider.

        Raises:
            UnsupportedTypeError: The function is not known here.
            UnsupportedArgumentError: It was given an argument that it would have to ignore.
            AbsentError: What it was asked about is not there.
        """
        function = INVOKES.get(token)
        if function is None:
            raise UnsupportedTypeError(token, INVOKES)
        for argument, value in arguments.items():
            if value is not None and argument not in function.arguments:
                raise UnsupportedArgumentError(token, argument, function.arguments)
        return function.call(self.aws, arguments)

    def _state(self, kind: Kind, resource_id: str, inputs: Props) -> Props:
        actual = kind.describe(self.aws, resource_id)
        if actual is None:
            raise InvalidInputError(kind.token, resource_id, "is gone right after it was written")
        described = sorted(actual.keys() & kind.arguments)
        return {**_without_assets(inputs), **actual, INPUTS: _stored(inputs), DESCRIBED: described}


def kind_of(urn: str) -> Kind:
    """The kind of resource that a URN, or a bare type token, names.

    Raises:
        UnsupportedTypeError: There is none.
    """
    token = urn.split("::")[2].rpartition("$")[2] if "::" in urn else urn
    kind = KINDS.get(token)
    if kind is None:
        raise UnsupportedTypeError(token, KINDS)
    return kind


def canonical(kind: Kind, key: str, value: Any) -> Any:
    """A form in which two values of a property are equal if AWS makes no difference between them."""
    if value is None:
        return None
    if key in kind.documents and isinstance(value, str) and value != UNKNOWN:
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        if ASSET_DIGEST in value:
            # The same content in another place is the same asset.
            return {ASSET_DIGEST: value[ASSET_DIGEST]}
        return {key: _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _holds_unknown(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_holds_unknown(item) for item in value)
    return bool(isinstance(value, str) and value == UNKNOWN)


def _without_assets(inputs: Props) -> Props:
    """What of the inputs the outputs repeat: an asset's bytes are in AWS, not in the state."""
    return {
        key: value
        for key, value in inputs.items()
        if key != DEFAULTS and not (isinstance(value, Mapping) and ASSET_DIGEST in value)
    }


def _stored(inputs: Props) -> Props:
    return {key: _plain(value) for key, value in inputs.items() if key != DEFAULTS}


def _kept(kind: Kind, argument: str, asset: pulumi.Asset | pulumi.Archive, folder: Path) -> Props:
    try:
        return keep_asset(asset, folder)
    except (OSError, TypeError) as error:
        raise InvalidInputError(kind.token, argument, str(error)) from error


def _made_up_name(kind: Kind, urn: str, seed: bytes, prefix: str | None) -> str:
    logical = urn.rpartition("::")[2]
    suffix = hashlib.sha256(seed or urn.encode()).hexdigest()[:_SUFFIX_LENGTH]
    stem = prefix if prefix is not None else f"{logical}-"
    stem = stem.lower() if kind.lower_case else stem
    name = f"{kind.name_prefix}{stem}{suffix}"
    if len(name) > kind.name_limit:
        raise InvalidInputError(kind.token, kind.name_argument, f"would be {name}: {kind.name_limit} is the most")
    return name
