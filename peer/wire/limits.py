"""Every number that ``proto/voxpeer/v1`` promises, and what protects a server.

Lengths are in bytes and times in seconds unless the name says otherwise.
"""

from __future__ import annotations

from typing import Final

PROTOCOL: Final = 1
"""Version of the contract."""

MIB: Final = 1 << 20

# Fields of fixed length.
KEY_BYTES: Final = 32
DIGEST_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SIGN_KEY_BYTES: Final = 32
SECRET_BYTES: Final = 32
REALM_ID_BYTES: Final = 16
BOOT_ID_BYTES: Final = 16
INVENTORY_ID_BYTES: Final = 8
SHORT_KEY_BYTES: Final = 8
TOKEN_ID_BYTES: Final = 5
NONCE_BYTES: Final = 32
PROOF_BYTES: Final = 32

# Texts.
NAME_CHARACTERS: Final = 64
VERSION_CHARACTERS: Final = 32
LIBRARY_CHARACTERS: Final = 64
ADDRESS_CHARACTERS: Final = 64
KIND_CHARACTERS: Final = 32
ENVIRONMENT_CHARACTERS: Final = 1024
OPERATION_CHARACTERS: Final = 128

# Hello.
HELLO_LIBRARIES: Final = 16
HELLO_ADDRESSES: Final = 8
REFERRALS: Final = 32
REFERRAL_ADDRESSES: Final = 4
NEWER_KEYS: Final = 16

# Statements.
SYNC_HAVE: Final = 16384
SYNC_STATEMENTS: Final = 64
SYNC_REPLY_BYTES: Final = 2 * MIB
FORGET_IDS: Final = 32768
CHAIN_CERTIFICATES: Final = 3
CERTIFICATE_BYTES: Final = 8192
CSR_BYTES: Final = 4096
DISPUTED_RECORD_BYTES: Final = MIB // 2
"""Two of these and their chains fit into a reply to Sync."""

# Results.
LOCATE_KEYS: Final = 1024
RECORDS_KEYS: Final = 256
RECORDS_REPLY_BYTES: Final = 4 * MIB
RECORD_CHILDREN: Final = 65536
RECORD_RELIANCES: Final = 256
INLINE_BYTES: Final = 4096
INLINE_REPLY_BYTES: Final = MIB
CHUNK_BYTES: Final = MIB
ARTIFACT_BYTES: Final = (1 << 37) - CHUNK_BYTES
MANIFEST_HEADER_BYTES: Final = 24
MANIFEST_BYTES: Final = MANIFEST_HEADER_BYTES + 32 * (ARTIFACT_BYTES // CHUNK_BYTES)
FETCH_RANGES: Final = 4096
FETCH_CODECS: Final = 8
CODED_CHUNK_BYTES: Final = CHUNK_BYTES + CHUNK_BYTES // 128
"""A chunk that does not get smaller grows a little: RFC 8878, at most 1/256 and 64."""

# Inventory and Watch.
INVENTORY_IDS: Final = 8192
FILTER_BLOCKS: Final = 65536
FILTER_ITEMS: Final = 65536
FILTER_P: Final = 16
FILTER_BYTES: Final = 192 * 1024
WATCH_TIMEOUT_MS: Final = 30_000

# Claims.
CLAIM_ITEMS: Final = 256
CLAIM_LEASES: Final = 4096
CLAIM_TTL_MS: Final = 60_000
CLAIM_RETRY_MS: Final = 60_000
CLAIM_S: Final = 0.25
"""How long an arbiter is given to answer."""

# Enrolment.
ENROL_KEYS: Final = 64
ENROL_MEMBERS: Final = 32
ENROL_ATTEMPTS_PER_MINUTE: Final = 10
ENROL_NONCE_S: Final = 60.0

# The channel.
MESSAGE_BYTES: Final = 4 * MIB + MIB // 4
"""Longest message that is sent or received at all: a manifest, and some air."""

REQUEST_BYTES: Final = MIB
"""Longest request: that of Sync, and some air."""

METADATA_BYTES: Final = 8192
STREAMS_PER_CONNECTION: Final = 32
CONNECTIONS: Final = 384
"""Connections that a server has at one time; most systems allow 1024 files."""

ENROL_CONNECTIONS: Final = 256
"""Connections at the port to join at: so many that two hundred that say nothing leave
room for one that does."""

HANDSHAKE_S: Final = 10.0
ENROL_HANDSHAKE_S: Final = 5.0
KEEPALIVE_S: Final = 20.0
KEEPALIVE_TIMEOUT_S: Final = 5.0
PING_INTERVAL_S: Final = 10.0
CONNECTION_IDLE_S: Final = 300.0
CONNECTION_AGE_S: Final = 3600.0
CONNECTION_GRACE_S: Final = 600.0
"""How long calls may go on over a connection that has come of age."""

# Serving.
FETCHES: Final = 16
FETCHES_PER_MEMBER: Final = 4
WATCHES: Final = 64
WATCHES_PER_MEMBER: Final = 2
CLAIMS: Final = 32
CLAIMS_PER_MEMBER: Final = 8
CHUNK_WRITE_S: Final = 10.0
"""A reader that does not take a chunk for so long is cut off."""

READER_BYTES_PER_S: Final = 64_000
"""... and so is one that takes less than this ..."""

READER_WINDOW_S: Final = 30.0
"""... for so long."""

# Fetching.
STALL_S: Final = 2.0
"""A source that brings no chunk for so long is dropped."""

FETCH_IN_FLIGHT_BYTES: Final = 16 * MIB
UNVERIFIED_BYTES: Final = 256 * MIB
"""Received and not verified yet, over all fetches of a process."""
