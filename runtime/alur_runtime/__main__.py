"""What Glue starts: ``--alur_config s3://... --alur_code_digest ...``; Glue's own arguments are ignored."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Sequence
from typing import Any

import attrs
from botocore.exceptions import BotoCoreError, ClientError

from alur_runtime.aws import make_clients
from alur_runtime.config import config_from_json
from alur_runtime.errors import AlurError, ConfigError
from alur_runtime.reasons import Reason
from alur_runtime.report import render_text
from alur_runtime.run.ingest import run_ingest
from alur_runtime.table.store import get_bytes


class JsonFormatter(logging.Formatter):
    """One JSON object a line: what log searches read."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record, with the protocol step and its data where there is one."""
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if step := getattr(record, "step", None):
            line |= {"step": str(step), **getattr(record, "data", {})}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ingest.

    Args:
        argv: Arguments without the program's name; the process's own by default.

    Returns:
        0 only when the run did all that it was to do; 2 for a configuration that cannot be used; else 1.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger("alur_runtime")
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        uri = argument(arguments, "--alur_config")
        if uri is None:
            raise ConfigError("--alur_config", "is missing: the s3:// URI of the job's configuration")
        clients = make_clients()
        config = config_from_json(get_bytes(clients.s3, uri))
        # Beside the configuration: other code makes no other configuration, and so no other object.
        config = attrs.evolve(config, code_digest=argument(arguments, "--alur_code_digest") or config.code_digest)
    except (AlurError, ValueError, ClientError, BotoCoreError) as error:
        print(f"alur: {Reason.BAD_CONFIGURATION.value}: {error}", file=sys.stderr)
        return 2
    report = run_ingest(config, clients, glue_run_id=argument(arguments, "--JOB_RUN_ID") or "")
    print(render_text(report), flush=True)
    return report.exit_code


def argument(arguments: Sequence[str], name: str) -> str | None:
    """The value of ``--name value`` or ``--name=value``, or None."""
    for position, found in enumerate(arguments):
        if found == name and position + 1 < len(arguments):
            return arguments[position + 1]
        if found.startswith(f"{name}="):
            return found.partition("=")[2]
    return None


if __name__ == "__main__":
    sys.exit(main())
