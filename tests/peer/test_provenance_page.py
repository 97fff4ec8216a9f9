"""The page on provenance holds the schema of what is exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from peer.citing import Document, methods_text
from peer.citing.document import json_schema

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "provenance.md"
HEX = "0" * 64
WHEN = "2026-01-02T03:04:05Z"

STEP: dict[str, Any] = {
    "key": HEX,
    "operation": "vox1.near",
    "version": 2,
    "environment": "",
    "arguments": [
        {"key": HEX, "constant": None},
        {"key": None, "constant": 3.5},
        {"key": None, "constant": "text"},
    ],
    "artifact": None,
    "how": "fetched",
    "computed_by": "ward7",
    "when": WHEN,
    "seconds": 1.5,
    "signatures": [{"signer": "ab12", "name": "ward7", "agrees": True}],
    "audit": {"verdict": "confirmed", "ended": WHEN},
}
EXAMPLE: dict[str, Any] = {
    "schema": "voxpeer/provenance/1",
    "exported": WHEN,
    "exported_with": {"voxpeer": "1.0", "platform": "Linux", "libraries": {}},
    "results": [
        {
            "file": "tumour.nii.gz",
            "label": "tumour",
            "kind": "mask",
            "key": HEX,
            "artifact": HEX,
            "is_complete": False,
            "program": {
                "name": "heart.imgql",
                "sources": [{"name": "heart.imgql", "sha256": HEX}],
                "parameters": {"limit": 3.0},
            },
            "run": {"id": "1", "started": WHEN, "voxpeer": "1.0"},
            "inputs": [
                {
                    "key": HEX,
                    "content": HEX,
                    "sha256": None,
                    "name": "ct",
                    "slices": 120,
                }
            ],
            "libraries": {"SimpleITK": "2.5.7"},
            "environments": [],
            "relies_on": ["ward7"],
            "steps": [STEP],
        }
    ],
}


def decoded(document: object) -> Document:
    return msgspec.json.decode(json.dumps(document), type=Document)


def test_the_page_holds_the_schema() -> None:
    page = PAGE.read_text(encoding="utf-8")
    _, _, rest = page.partition("```json\n")
    assert json.loads(rest.partition("\n```")[0]) == json_schema()


def test_every_field_of_the_schema_is_required() -> None:
    definitions = json_schema()["$defs"]
    assert isinstance(definitions, dict)
    for name, definition in definitions.items():
        assert set(definition["required"]) == set(definition["properties"]), name
        assert definition["additionalProperties"] is False


@pytest.mark.parametrize("name", ["exported", "results"])
def test_a_document_with_a_field_too_few_or_too_many_is_none(name: str) -> None:
    assert decoded(EXAMPLE).results[0].steps[0].computed_by == "ward7"
    less = {field: it for field, it in EXAMPLE.items() if field != name}
    with pytest.raises(msgspec.ValidationError):
        decoded(less)
    with pytest.raises(msgspec.ValidationError):
        decoded({**EXAMPLE, "patient": "DOE^JANE"})


def test_the_text_names_program_inputs_versions_and_who_computed() -> None:
    text = methods_text(decoded(EXAMPLE))
    for words in (
        "'tumour' (tumour.nii.gz) is a mask",
        "the program heart.imgql",
        "run by voxpeer 1.0 on 2026-01-02",
        "limit = 3.0",
        "ct, DICOM series of 120 files",
        "vox1.near (version 2)",
        "SimpleITK 2.5.7",
        "1 by ward7",
        "1 confirmed",
        "Not every step is known",
    ):
        assert words in text
