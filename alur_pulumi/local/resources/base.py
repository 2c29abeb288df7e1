"""What every kind of resource has in common: shapes, clients, and the four operations."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import attrs
import pulumi
from botocore.exceptions import ClientError
from pulumi.runtime import rpc

from alur_pulumi.local.clients import local_client
from alur_pulumi.local.errors import NotLoopbackError

Props = dict[str, Any]

UNKNOWN = rpc.UNKNOWN
"""What stands for a value that a preview cannot know yet."""

ASSET_DIGEST = "assetSha256"
"""By this key an asset is known in the inputs, and compared."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@attrs.define
class Aws:
    """Clients of an AWS on this machine."""

    endpoint: str
    region: str
    account: str = "123456789012"
    partition: str = "aws"
    _clients: dict[str, Any] = attrs.field(factory=dict)

    def __attrs_post_init__(self) -> None:
        """Refuse anything that is not this machine."""
        if urlsplit(self.endpoint).hostname not in _LOOPBACK:
            raise NotLoopbackError(self.endpoint)

    def client(self, service: str) -> Any:
        """The client of a service; made once."""
        if service not in self._clients:
            self._clients[service] = local_client(service, self.endpoint, self.region)
        return self._clients[service]

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


class Kind(ABC):
    """One resource type: its arguments, what forces a replacement, and its AWS calls.

    An id says everything that is needed to find the resource again, so that a refresh
    and a deletion do not depend on anything else.
    """

    token: ClassVar[str]
    arguments: ClassVar[frozenset[str]]
    required: ClassVar[frozenset[str]] = frozenset()
    replace_on: ClassVar[frozenset[str]] = frozenset()
    documents: ClassVar[frozenset[str]] = frozenset()
    """Arguments that are JSON in a string: equal if they mean the same."""
    computed: ClassVar[frozenset[str]] = frozenset()
    """Outputs that a preview of a creation cannot know."""
    name_argument: ClassVar[str] = ""
    """The argument that gets a name of our making if it is left out."""
    name_limit: ClassVar[int] = 255
    name_prefix: ClassVar[str] = ""
    lower_case: ClassVar[bool] = False
    witness: ClassVar[str] = ""
    """An output that changes when the content does that `contents` gave it."""
    contents: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def create(self, aws: Aws, inputs: Props) -> str:
        """Create the resource and return its id."""

    @abstractmethod
    def describe(self, aws: Aws, resource_id: str) -> Props | None:
        """The resource's true properties, or None if there is no such resource."""

    @abstractmethod
    def update(self, aws: Aws, resource_id: str, old: Props, new: Props) -> None:
        """Bring the resource from the old inputs to the new ones."""

    @abstractmethod
    def delete(self, aws: Aws, resource_id: str, state: Props) -> None:
        """Delete the resource; one that is gone already is no error."""

    def write_tags(self, aws: Aws, resource_id: str, old: Mapping[str, str], new: Mapping[str, str]) -> None:
        """Bring the tags from old to new; only for kinds that have the argument `tags`."""
        raise NotImplementedError(self.token)


def missing(error: ClientError) -> bool:
    """Whether an error says that something does not exist."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code in {"404", "NotFoundException"} or any(
        part in code for part in ("NotFound", "NoSuch", "NonExistent", "EntityNotFound", "DoesNotExist")
    )


def or_none(call: Any, **arguments: Any) -> Any:
    """Call AWS; None where it says that the thing does not exist."""
    try:
        return call(**arguments)
    except ClientError as error:
        if missing(error):
            return None
        raise


def to_aws(value: Any, renames: Mapping[str, str] | None = None, verbatim: frozenset[str] = frozenset()) -> Any:
    """Turn `camelCase` properties into the `PascalCase` of AWS, leaving out what is not set.

    Args:
        value: Properties, or a list of them, or a plain value.
        renames: Properties whose AWS name differs by more than its first letter.
        verbatim: Properties whose value is data with keys of its own, such as tags.
    """
    renames = renames or {}
    if isinstance(value, Mapping):
        return {
            renames.get(key, key[:1].upper() + key[1:]): item if key in verbatim else to_aws(item, renames, verbatim)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [to_aws(item, renames, verbatim) for item in value]
    return value


def from_aws(value: Any, renames: Mapping[str, str] | None = None, verbatim: frozenset[str] = frozenset()) -> Any:
    """The way back from `to_aws`, with the same renames."""
    return _from_aws(value, {name: key for key, name in (renames or {}).items()}, verbatim)


def _from_aws(value: Any, renames: Mapping[str, str], verbatim: frozenset[str]) -> Any:
    if isinstance(value, Mapping):
        result = {}
        for name, item in value.items():
            key = renames.get(name, name[:1].lower() + name[1:])
            result[key] = item if key in verbatim else _from_aws(item, renames, verbatim)
        return result
    if isinstance(value, list):
        return [_from_aws(item, renames, verbatim) for item in value]
    return value


def chosen(inputs: Props, *names: str) -> Props:
    """The named inputs that are set."""
    return {name: inputs[name] for name in names if inputs.get(name) is not None}


def set_only(**values: Any) -> Props:
    """The values that are not None."""
    return {name: value for name, value in values.items() if value is not None}


def document(value: Any) -> str:
    """A JSON document as a string, whichever form it comes in."""
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def tag_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Tags in the list form that most services take."""
    return [{key: name, value: text} for name, text in tags.items()]


def sync_tags(
    untag: Callable[..., object],
    tag: Callable[..., object],
    old: Mapping[str, str],
    new: Mapping[str, str],
    **target: str,
) -> None:
    """Take off the tags that are gone and set the rest, by a service's pair of calls.

    Args:
        untag: Takes ``TagKeys``.
        tag: Takes ``Tags``.
        old: As they are.
        new: As they shall be.
        **target: The resource, as both calls name it.
    """
    if gone := sorted(old.keys() - new.keys()):
        untag(**target, TagKeys=gone)
    if new:
        tag(**target, Tags=tag_list(new))


def tag_map(tags: list[dict[str, str]], key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Tags from the list form."""
    return {tag[key]: tag[value] for tag in tags}


def tag_outputs(tags: Mapping[str, str]) -> Props:
    """The two outputs that tags have; there are no provider-wide tags here."""
    return {"tags": dict(tags), "tagsAll": dict(tags)} if tags else {"tagsAll": {}}


def keep_asset(asset: pulumi.Asset | pulumi.Archive, folder: Path) -> Props:
    """An asset as plain data with the digest of its content.

    The engine shows a diff no more than the digest that it made of an asset, and the SDK's
    provider interface drops that; as plain data it comes through.

    Raises:
        TypeError: The asset is neither a file nor a string.
    """
    if isinstance(asset, pulumi.FileAsset):
        kept: Props = {"path": str(folder.absolute() / asset.path)}
    elif isinstance(asset, pulumi.StringAsset):
        kept = {"text": asset.text}
    else:
        message = f"is a {type(asset).__name__}; only FileAsset and StringAsset are supported"
        raise TypeError(message)
    return {**kept, ASSET_DIGEST: hashlib.sha256(asset_bytes(kept)).hexdigest()}


def asset_bytes(kept: Props) -> bytes:
    """The content of an asset that was kept."""
    return Path(kept["path"]).read_bytes() if "path" in kept else str(kept["text"]).encode()
