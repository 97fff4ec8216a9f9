"""Bytes by digest, and result records by node key, kept on this machine."""

from __future__ import annotations

from .contract import (
    Artifact,
    ArtifactWriter,
    Batch,
    Damage,
    Digest,
    Found,
    GcReport,
    Leases,
    NodeKey,
    Result,
    Small,
    Store,
    StoreStats,
)
from .database import Database
from .errors import (
    ArtifactNotFoundError,
    CorruptArtifactError,
    ForeignStoreError,
    ManifestError,
    NetworkFileSystemError,
    StoreError,
    StoreFullError,
    StoreNewerError,
    StoreUnusableError,
)
from .manifest import Manifest, digest_of, manifest_of
from .migrations import Migrations
from .sqlite import SqliteStore, open_store

__all__ = [
    "Artifact",
    "ArtifactNotFoundError",
    "ArtifactWriter",
    "Batch",
    "CorruptArtifactError",
    "Damage",
    "Database",
    "Digest",
    "ForeignStoreError",
    "Found",
    "GcReport",
    "Leases",
    "Manifest",
    "ManifestError",
    "Migrations",
    "NetworkFileSystemError",
    "NodeKey",
    "Result",
    "Small",
    "SqliteStore",
    "Store",
    "StoreError",
    "StoreFullError",
    "StoreNewerError",
    "StoreStats",
    "StoreUnusableError",
    "digest_of",
    "manifest_of",
    "open_store",
]
