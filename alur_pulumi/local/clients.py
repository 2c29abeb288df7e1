"""Clients of the AWS on this machine, whatever the user's own settings are."""

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config


def local_client(service: str, endpoint: str, region: str) -> Any:
    """A boto3 client that knows no profile, no configuration file and no proxy of the user's."""
    # name: (key in the configuration file, environment variable, default, conversion)
    unset: dict[str, Any] = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    session = boto3.Session(
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - the emulator takes any
        region_name=region,
        botocore_session=botocore.session.Session(session_vars=unset),
    )
    config = Config(proxies={}, retries={"mode": "standard"}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=endpoint, config=config)
