"""Which engine a run takes, and why. Pure, but for looking whether Spark is installed."""

from __future__ import annotations

import importlib.util

from alur_runtime.config import EngineChoice, JobConfig


def choose_engine(config: JobConfig, files: int, size: int) -> tuple[EngineChoice, str]:
    """The engine for so many files of so many bytes in all, and a sentence that says why."""
    settings = config.settings
    amount = f"{files:,} files, {size:,} bytes"
    if config.engine is not EngineChoice.AUTO:
        return config.engine, f"{config.engine}: the job's configuration says so"
    if files < settings.spark_min_files and size < settings.spark_min_bytes:
        limits = f"{settings.spark_min_files:,} files or {settings.spark_min_bytes:,} bytes"
        return EngineChoice.LOCAL, f"local: {amount} is less than {limits}, from which on Spark pays"
    if importlib.util.find_spec("pyspark") is None:
        return EngineChoice.LOCAL, f"local: {amount} is work for Spark, but pyspark is not installed here"
    return EngineChoice.SPARK, f"spark: {amount}"
