"""Collecting what is known of results: runs, steps, inputs, signatures, audits."""

from __future__ import annotations

import hashlib
import platform
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from peer.installation import library_versions, voxpeer_version
from primitives.errors import PrimitivesError
from primitives.formats.dicom_series import is_uid
from scheduler import explain_result
from scheduler.audits import last_audits
from scheduler.files import InputFiles
from scheduler.history import MOST_CHARACTERS
from scheduler.run_programs import ProgramText, program_of

from .document import (
    SCHEMA,
    Argument,
    Audit,
    Document,
    Input,
    Installation,
    ProgramForm,
    ResultForm,
    Run,
    Scalar,
    Signature,
    Source,
    Step,
)

if TYPE_CHECKING:
    from peer.trust.attestations import Attestation
    from scheduler.audits import EndedAudit
    from scheduler.why import ExplainedNode, ResultExplanation
    from store import Digest, NodeKey, Result, SqliteStore

READ_BYTES = 1 << 22
LEFT_OUT = "..."
"""Stands for a text that is not told."""
_LIBRARY = re.compile(
    r"(?:^|;)(?!glibc-|macos-|libc-)([A-Za-z][\w.]*)-(\d[\w.]*)(?=;|$)"
)


def describe(
    store: SqliteStore, files: Sequence[tuple[Result, str]], *, with_names: bool
) -> Document:
    """Return where results came from.

    Args:
        store: that holds them.
        files: each result, and the name of the file that it is exported to.
        with_names: whether names of input files, and parameters and texts of programs,
            which may be such names, are told.
    """
    collector = _Collector(store, with_names=with_names)
    return Document(
        schema=SCHEMA,
        exported=_time(int(time.time() * 1000)),
        exported_with=Installation(
            voxpeer=voxpeer_version(),
            platform=platform.platform(terse=True),
            libraries={name: it for name, it in library_versions().items() if it},
        ),
        results=[collector.result(result, name) for result, name in files],
    )


class _Collector:
    def __init__(self, store: SqliteStore, *, with_names: bool) -> None:
        self._store = store
        self._with_names = with_names
        self._names = _member_names(store)
        self._inputs: dict[NodeKey, Input] = {}

    def result(self, result: Result, file: str) -> ResultForm:
        """Return what is known of one result."""
        found = explain_result(self._store, result.key.hex())
        nodes = _with_light_ones(found.nodes) if found is not None else ()
        steps = self._steps(nodes)
        environments = sorted({step.environment for step in steps} - {""})
        return ResultForm(
            file=file,
            label=found.label if found is not None else "",
            kind=result.kind,
            key=result.key.hex(),
            artifact=result.digest.hex(),
            is_complete=bool(nodes) and all(node.kind != "unknown" for node in nodes),
            program=None if found is None else self._program(found),
            run=None if found is None or not found.run_id else self._run(found),
            inputs=[self._input(node) for node in nodes if node.kind == "file"],
            libraries=dict(
                sorted(pair for each in environments for pair in _LIBRARY.findall(each))
            ),
            environments=environments,
            relies_on=sorted(
                self._names.get(it.member, it.member) for it in result.relies_on
            ),
            steps=steps,
        )

    # ---- program and run ----------------------------------------------------

    def _program(self, found: ResultExplanation) -> ProgramForm | None:
        if not found.program:
            return None
        text = program_of(self._store, found.run_id) or ProgramText()
        return ProgramForm(
            name=Path(found.program).name,
            sources=[Source(name=name, sha256=sha256) for name, sha256 in text.sources],
            parameters=dict(text.parameters) if self._with_names else {},
        )

    def _run(self, found: ResultExplanation) -> Run:
        text = program_of(self._store, found.run_id) or ProgramText()
        return Run(
            id=found.run_id, started=_time(found.started_ms), voxpeer=text.voxpeer
        )

    # ---- inputs -------------------------------------------------------------

    def _input(self, node: ExplainedNode) -> Input:
        known = self._inputs.get(node.key)
        if known is None:
            known = self._inputs[node.key] = self._read_input(node)
        return known

    def _read_input(self, node: ExplainedNode) -> Input:
        """Return what is known of an input, and what its file still tells."""
        path = Path(node.label)
        content, sha256, slices = bytes(node.content), None, None
        try:
            file, key = InputFiles(self._store, Path.cwd()).resolve(str(path))
        except PrimitivesError:
            key = None
        if key == node.key:
            content = content or file.digest or b""
            slices = len(file.slices) or None
            if len(file.expected) == 1:
                sha256 = _sha256(file.expected[0][0])
        # The UID of a series names its patient to whoever has the images.
        name = path.parent.name if is_uid(path.name) else path.name
        return Input(
            key=node.key.hex(),
            content=content.hex() or None,
            sha256=sha256,
            name=name if self._with_names else None,
            slices=slices,
        )

    # ---- steps --------------------------------------------------------------

    def _steps(self, nodes: Sequence[ExplainedNode]) -> list[Step]:
        done = [node for node in nodes if node.kind in ("application", "unknown")]
        keys = [node.key for node in done]
        constants = {node.key: node for node in nodes if node.kind == "constant"}
        audits = last_audits(self._store, keys)
        signed = _signed(self._store, keys)
        held: dict[NodeKey, Digest] = {
            key: found.result.digest for key, found in self._store.lookup(keys).items()
        }
        return [
            Step(
                key=node.key.hex(),
                operation=node.label,
                version=node.version,
                environment=node.environment,
                arguments=[self._argument(key, constants) for key in node.arguments],
                artifact=held[node.key].hex() if node.key in held else None,
                how=_how(node),
                computed_by=self._computer(node),
                when=_time(node.when_ms) if node.when_ms else None,
                seconds=node.seconds,
                signatures=self._signatures(signed.get(node.key, ()), held, node.key),
                audit=_audit(audits.get(node.key)),
            )
            for node in done
        ]

    def _argument(
        self, key: NodeKey | None, constants: dict[NodeKey, ExplainedNode]
    ) -> Argument:
        known = None if key is None else constants.get(key)
        if known is None:
            return Argument(key=None if key is None else key.hex(), constant=None)
        constant = _constant(known.label)
        # A parameter is a constant of the plan, and a text may be a name.
        if isinstance(constant, str) and not self._with_names:
            constant = LEFT_OUT
        return Argument(key=None, constant=constant)

    def _computer(self, node: ExplainedNode) -> str:
        if not node.when_ms:
            return ""
        return node.source or "this machine"

    def _signatures(
        self,
        found: Sequence[Attestation],
        held: dict[NodeKey, Digest],
        key: NodeKey,
    ) -> list[Signature]:
        return [
            Signature(
                signer=it.signer,
                name=self._names.get(it.signer, ""),
                agrees=it.digest == held.get(key),
            )
            for it in sorted(found, key=lambda it: it.signer)
        ]


def _with_light_ones(nodes: Sequence[ExplainedNode]) -> list[ExplainedNode]:
    """Say also of light steps when they were computed, which no run writes down.

    What was computed here, was computed from arguments that were fetched or held, of
    which each is written down, or else computed in the same run.
    """
    known = {node.key: node for node in nodes}
    todo = [node for node in nodes if node.when_ms and not node.source]
    while todo:
        above = todo.pop()
        for key in above.arguments:
            node = None if key is None else known.get(key)
            if node is None or node.kind != "application" or node.when_ms or node.how:
                continue
            known[node.key] = replace(node, when_ms=above.when_ms)
            todo.append(known[node.key])
    return [known[node.key] for node in nodes]


def _how(node: ExplainedNode) -> Literal["computed", "fetched", "not recorded"]:
    if not node.when_ms:
        return "not recorded"
    return "fetched" if node.source else "computed"


def _constant(text: str) -> Scalar | None:
    """Return the constant that a description's text stands for."""
    words: dict[str, Scalar | None] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if text.startswith('"'):
        is_whole = len(text) < MOST_CHARACTERS
        return text[1:-1] if is_whole else f"{text[1:]}..."
    try:
        return float(text)
    except ValueError:
        return text


def _audit(found: EndedAudit | None) -> Audit | None:
    if found is None:
        return None
    return Audit(verdict=found.verdict, ended=_time(found.ended_ms))


def _signed(
    store: SqliteStore, keys: Sequence[NodeKey]
) -> dict[NodeKey, list[Attestation]]:
    from peer.trust.attestations import find

    return find(store, keys)


def _member_names(store: SqliteStore) -> dict[str, str]:
    from peer.identity import Members

    return {str(node_id): name for node_id, (name, _) in Members(store).seen().items()}


def _sha256(path: Path) -> str | None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(READ_BYTES):
                digest.update(part)
    except OSError:
        return None
    return digest.hexdigest()


def _time(milliseconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(milliseconds / 1000))
