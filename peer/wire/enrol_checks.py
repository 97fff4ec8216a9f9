"""Checks of ``enrol.proto``."""

from __future__ import annotations

from peer.wire.v1 import enrol_pb2

from . import limits
from .checks import csr, realm_keys, referrals
from .errors import WireError
from .fields import at_most, exactly, few, text
from .record_checks import chain_of, signed_statement


def enrol_begin(message: enrol_pb2.EnrolBegin) -> bytes:
    """Return the id of the token."""
    exactly("token_id", message.token_id, limits.TOKEN_ID_BYTES)
    return message.token_id


def enrol_challenge(message: enrol_pb2.EnrolChallenge) -> bytes:
    """Return the nonce."""
    exactly("nonce", message.nonce, limits.NONCE_BYTES)
    return message.nonce


def enrol_finish(message: enrol_pb2.EnrolFinish) -> None:
    """Check what a joiner asks for; whether its proof is right is not known here."""
    exactly("token_id", message.token_id, limits.TOKEN_ID_BYTES)
    exactly("nonce", message.nonce, limits.NONCE_BYTES)
    csr("csr", message.csr)
    exactly("sign_key", message.sign_key, limits.SIGN_KEY_BYTES)
    exactly("proof", message.proof, limits.PROOF_BYTES)
    if message.sponsor_csr:
        csr("sponsor_csr", message.sponsor_csr)
    text("name", message.name, limits.NAME_CHARACTERS)


def enrol_reply(message: enrol_pb2.EnrolReply) -> None:
    """Check what a sponsor gives; certificates and signatures are not verified."""
    chain_of(message.chain)
    if not message.root:
        raise WireError("the root is missing")
    at_most("length of the root", len(message.root), limits.CERTIFICATE_BYTES)
    exactly("realm_id", message.realm_id, limits.REALM_ID_BYTES)
    realm_keys(message.keys, limits.ENROL_KEYS)
    few("statements", message.statements, limits.SYNC_HAVE)
    for statement in message.statements:
        signed_statement(statement)
    referrals(message.members, limits.ENROL_MEMBERS)
    length = len(message.sponsor_certificate)
    at_most("length of the sponsor's certificate", length, limits.CERTIFICATE_BYTES)
