"""Bytes by digest, and result records by node key, kept on this machine."""

from __future__ import annotations

from .contract import (
    Artifact,
    ArtifactWriter,
    Batch,
    Changes,
    Damage,
    Digest,
    Follower,
    Found,
    GcReport,
    Leases,
    NodeKey,
    Reception,
    Result,
    SharedRow,
    Small,
    Store,
    StoreStats,
)
from .database import Database
from .errors import (
    ArtifactNotFoundError,
    ChunkMismatchError,
    CorruptArtifactError,
    ForeignStoreError,
    IncompleteArtifactError,
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
    "Changes",
    "ChunkMismatchError",
    "CorruptArtifactError",
    "Damage",
    "Database",
    "Digest",
    "Follower",
    "ForeignStoreError",
    "Found",
    "GcReport",
    "IncompleteArtifactError",
    "Leases",
    "Manifest",
    "ManifestError",
    "Migrations",
    "NetworkFileSystemError",
    "NodeKey",
    "Reception",
    "Result",
    "SharedRow",
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
