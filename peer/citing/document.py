"""The form of ``provenance.json``, from which its schema is made."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

SCHEMA: Literal["voxpeer/provenance/1"] = "voxpeer/provenance/1"

Hex = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Time = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]
Scalar = float | bool | str


class _Form(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A JSON object with all of its fields."""


class Source(_Form):
    """A file that a program consisted of."""

    name: Annotated[str, Meta(description="Its name, without folders.")]
    sha256: Annotated[Hex, Meta(description="As sha256sum prints it.")]


class ProgramForm(_Form):
    """The program that a result was a goal of."""

    name: Annotated[str, Meta(description="Its name, without folders.")]
    sources: Annotated[
        list[Source],
        Meta(description="The program, then what it imports; empty if not known."),
    ]
    parameters: Annotated[
        dict[str, Scalar], Meta(description="What was given with -p NAME=value.")
    ]


class Run(_Form):
    """The newest run that the result was a goal of."""

    id: str
    started: Time
    voxpeer: Annotated[str, Meta(description="Version that ran it; empty: unknown.")]


class Input(_Form):
    """A file, or a DICOM series, that the result was computed from."""

    key: Annotated[Hex, Meta(description="Names the content and its format.")]
    content: Annotated[
        Hex | None, Meta(description="Digest of the content; see the page.")
    ]
    sha256: Annotated[
        Hex | None,
        Meta(description="Of a single file that is still there, unchanged."),
    ]
    name: Annotated[str | None, Meta(description="Without folders; null if left out.")]
    slices: Annotated[
        int | None, Meta(description="Number of different files of a DICOM series.")
    ]


class Audit(_Form):
    """That a result of somebody else was computed here too, and what came of it."""

    verdict: Literal["confirmed", "differs", "unstable", "impossible"]
    ended: Time


class Signature(_Form):
    """A signed record that says what a node computes to."""

    signer: Annotated[str, Meta(description="Identity, a digest of a public key.")]
    name: Annotated[str, Meta(description="What the signer calls itself, or empty.")]
    agrees: Annotated[bool, Meta(description="Whether it says what is held here.")]


class Argument(_Form):
    """What a step was given; both fields are null if it was left out."""

    key: Annotated[Hex | None, Meta(description="Of another step, or of an input.")]
    constant: Annotated[
        Scalar | None,
        Meta(description="As the program has it; of a long text the beginning."),
    ]


class Step(_Form):
    """An operation that the result was computed by."""

    key: Hex
    operation: Annotated[str, Meta(description="Primitive, such as vox1.near.")]
    version: Annotated[int, Meta(description="Of its kernel; 0 if not known.")]
    environment: Annotated[
        str,
        Meta(description="What else its bits depend on; empty: on nothing, or unknown"),
    ]
    arguments: list[Argument]
    artifact: Annotated[
        Hex | None, Meta(description="Digest of what it computed to, if it is held.")
    ]
    how: Literal["computed", "fetched", "not recorded"]
    computed_by: Annotated[
        str, Meta(description="Name of the peer, or 'this machine'; empty: unknown.")
    ]
    when: Annotated[Time | None, Meta(description="When its run began.")]
    seconds: float
    signatures: list[Signature]
    audit: Audit | None


class ResultForm(_Form):
    """One result, in a file beside this one."""

    file: str
    label: str
    kind: str
    key: Annotated[Hex, Meta(description="Names what was computed.")]
    artifact: Annotated[Hex, Meta(description="Digest of what it computed to.")]
    is_complete: Annotated[
        bool, Meta(description="Whether every step of the computation is listed.")
    ]
    program: ProgramForm | None
    run: Run | None
    inputs: list[Input]
    libraries: Annotated[
        dict[str, str],
        Meta(description="Versions of libraries on which bits of steps depend."),
    ]
    environments: Annotated[
        list[str], Meta(description="All environments of the steps.")
    ]
    relies_on: Annotated[
        list[str],
        Meta(description="On whose word it rests; empty: all computed here."),
    ]
    steps: list[Step]


class Installation(_Form):
    """What the results were exported with."""

    voxpeer: str
    platform: str
    libraries: dict[str, str]


class Document(_Form):
    """Where exported results came from."""

    schema: Literal["voxpeer/provenance/1"]
    exported: Time
    exported_with: Installation
    results: list[ResultForm]


def json_schema() -> dict[str, object]:
    """Return the JSON Schema of the document."""
    return msgspec.json.schema(Document)
