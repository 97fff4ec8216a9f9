// What `voxpeer check - --json` says, as ranges of a text; knows nothing of the editor.
"use strict";

const { spawn } = require("node:child_process");

/**
 * Check a text that need not be saved.
 *
 * @param {string} command the voxpeer command
 * @param {string[]} further arguments besides those made here
 * @param {string} path what the text is called, and beside what its imports lie
 * @param {string} text of the program
 * @returns {Promise<object[]>} its diagnostics, as docs/reference/check.md describes
 */
function check(command, further, path, text) {
  const words = ["check", "-", "--json", "--name", path, ...further];
  return run(command, words, text).then((output) => JSON.parse(output).diagnostics);
}

/**
 * Ask what a name means.
 *
 * @returns {Promise<object|null>} its entry of the reference, null if there is none
 */
function explain(command, name) {
  return run(command, ["primitives", "--json", "--", name], "").then(
    (output) => JSON.parse(output),
    () => null,
  );
}

function run(command, words, input) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, words);
    let output = "";
    let messages = "";
    child.stdout.on("data", (piece) => (output += piece));
    child.stderr.on("data", (piece) => (messages += piece));
    child.on("error", reject);
    child.on("close", () => (output ? resolve(output) : reject(new Error(messages))));
    child.stdin.on("error", () => undefined); // it may end before it has read all
    child.stdin.end(input);
  });
}

/**
 * Choose what can be shown in one document, with places counted from 0.
 *
 * A mistake of another file is shown at the first line, with its place in the text.
 */
function placed(diagnostics, path) {
  return diagnostics.map((found) => {
    const isHere = found.file === path && found.line > 0;
    const place = found.file && !isHere ? `${found.file}:${found.line}: ` : "";
    const hint = found.hint ? `; ${found.hint}` : "";
    const before = (column) => units(found.source_line, column - 1);
    return {
      line: isHere ? found.line - 1 : 0,
      start: isHere ? before(found.column) : 0,
      end: isHere ? before(found.end_column) : 0,
      message: place + found.message + hint,
      severity: found.severity,
      code: found.code,
      notes: found.calls.map((note) => ({
        message: note.message,
        file: note.file,
        line: Math.max(note.line - 1, 0),
        start: Math.max(note.column - 1, 0),
      })),
    };
  });
}

/** Return how many UTF-16 units, which editors count, some characters are. */
function units(line, characters) {
  const beyond = Math.max(characters - [...line].length, 0);
  return [...line].slice(0, characters).join("").length + beyond;
}

module.exports = { check, explain, placed };
