"""What a job runs, uploaded under names made of its content.

Same content, same key: a deployment never changes the bytes that a run which has started is about to load,
and going back to an older state names the older bytes again. Old artifacts stay (`retain_on_delete`), and
**no lifecycle rule expires them**: a rule counts from the upload and cannot know which of them a job still
names, so any age would one day delete the code of a job that was left alone for that long. `alur prune`
removes those that no job has named for long enough; docs/decisions.md says why it is a command.

Two jobs that share a bucket and a wheel put the same bytes under the same key; whoever is second changes
nothing.
"""

import hashlib
import os
import tempfile
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from alur_pulumi.catalog import METADATA_ROOT
from alur_pulumi.errors import WheelError
from alur_pulumi.wheels import Wheel

PREFIX: Final = f"{METADATA_ROOT}artifacts/"
"""Below the prefix for all that is no table; jobs may read it and not write it."""

SCRIPT_NAME: Final = "start.py"
SCRIPT: Final = '''\
"""Starts alur's runtime inside Glue; all else is in the wheels."""

import sys

from alur_runtime.__main__ import main

code = main()
if code:  # a SystemExit of 0 has been taken for a failure by Glue before
    sys.exit(code)
'''
"""What Glue calls the job's script; the same for every job."""


def artifact_key(name: str, digest: str, filename: str) -> str:
    """Key of an artifact: ``_alur/artifacts/<name>/<16 digits of its SHA-256>/<file>``.

    Args:
        name: What it is, such as ``alur_runtime`` or ``config``.
        digest: SHA-256 of its content, in hexadecimal.
        filename: The last part.
    """
    return f"{PREFIX}{name}/{digest[:16]}/{filename}"


def text_key(name: str, filename: str, content: str) -> str:
    """Key of a text artifact."""
    return artifact_key(name, hashlib.sha256(content.encode()).hexdigest(), filename)


def uri(uploaded: aws.s3.BucketObjectv2) -> pulumi.Output[str]:
    """URI of an uploaded artifact; made of its outputs, so that whoever names it waits for the upload."""
    return pulumi.Output.concat("s3://", uploaded.bucket, "/", uploaded.key)


def upload_wheel(name: str, wheel: Wheel, bucket: pulumi.Input[str], parent: pulumi.Resource) -> aws.s3.BucketObjectv2:
    """Register a wheel's upload.

    Args:
        name: Logical name.
        wheel: What is uploaded.
        bucket: Name of the bucket.
        parent: The component it belongs to.

    Raises:
        WheelError: If the file cannot be written to the cache.
    """
    return aws.s3.BucketObjectv2(
        name,
        bucket=bucket,
        key=artifact_key(wheel.distribution, wheel.digest, wheel.archive_name),
        source=pulumi.FileAsset(str(cached_file(wheel, cache_folder()))),
        content_type="application/zip",
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )


def upload_text(
    name: str,
    key: pulumi.Input[str],
    content: pulumi.Input[str],
    bucket: pulumi.Input[str],
    *,
    content_type: str,
    parent: pulumi.Resource,
) -> aws.s3.BucketObjectv2:
    """Register the upload of a text whose key was made with `text_key`.

    Args:
        name: Logical name.
        key: Its key.
        content: Its content.
        bucket: Name of the bucket.
        content_type: Its media type.
        parent: The component it belongs to.
    """
    return aws.s3.BucketObjectv2(
        name,
        bucket=bucket,
        key=key,
        content=content,
        content_type=content_type,
        opts=pulumi.ResourceOptions(parent=parent, retain_on_delete=True),
    )


def cache_folder() -> Path:
    """Where wheels lie until Pulumi has uploaded them."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "alur" / "wheels"


def cached_file(wheel: Wheel, folder: Path) -> Path:
    """Write the wheel below its digest and return its path: the same wheel, the same path, always.

    Raises:
        WheelError: If the folder cannot be written.
    """
    path = folder / wheel.digest / wheel.archive_name
    try:
        # A file that was damaged or cut short must not be uploaded under the digest of a whole one.
        if path.is_file() and path.read_bytes() == wheel.data:
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(wheel.data)
        Path(file.name).replace(path)
    except OSError as error:
        raise WheelError(str(path), f"cannot be written ({error.strerror}): set XDG_CACHE_HOME to a folder") from error
    return path
