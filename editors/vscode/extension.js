// Mistakes while you type, and what a name means when the pointer rests on it.
"use strict";

const vscode = require("vscode");
const { check, explain, placed } = require("./check.js");

const PAUSE_MS = 300; // without a key before the text is checked
const SCHEMES = new Set(["file", "untitled"]); // what is being edited

function activate(context) {
  const mistakes = vscode.languages.createDiagnosticCollection("voxpeer");
  const waiting = new Map();
  let complained = false;

  const settings = () => vscode.workspace.getConfiguration("voxpeer");

  async function look(document) {
    const path = document.uri.fsPath;
    const version = document.version;
    try {
      const { command, checkArguments } = settings();
      const found = await check(command, checkArguments, path, document.getText());
      if (document.version === version && !document.isClosed) {
        mistakes.set(document.uri, placed(found, path).map(shown));
      }
    } catch (error) {
      mistakes.delete(document.uri);
      if (!complained) {
        complained = true;
        vscode.window.showWarningMessage(
          `voxpeer cannot check programs: ${error.message}. ` +
            "Set voxpeer.command to the path of the command.",
        );
      }
    }
  }

  function soon(document) {
    // Not what a comparison shows of an older version, for instance.
    if (document.languageId !== "imgql" || !SCHEMES.has(document.uri.scheme)) return;
    clearTimeout(waiting.get(document));
    waiting.set(
      document,
      setTimeout(() => {
        waiting.delete(document);
        look(document);
      }, PAUSE_MS),
    );
  }

  context.subscriptions.push(
    mistakes,
    vscode.workspace.onDidOpenTextDocument(soon),
    vscode.workspace.onDidChangeTextDocument((event) => soon(event.document)),
    vscode.workspace.onDidCloseTextDocument((document) => {
      clearTimeout(waiting.get(document));
      waiting.delete(document);
      mistakes.delete(document.uri);
    }),
    vscode.languages.registerHoverProvider("imgql", {
      async provideHover(document, position) {
        const range = document.getWordRangeAtPosition(position);
        if (!range) return null;
        const entry = await explain(settings().command, document.getText(range));
        return entry && new vscode.Hover(explanation(entry), range);
      },
    }),
  );
  vscode.workspace.textDocuments.forEach(soon);
}

function shown(found) {
  const range = new vscode.Range(found.line, found.start, found.line, found.end);
  const severity = vscode.DiagnosticSeverity[found.severity === "error" ? "Error" : "Warning"];
  const diagnostic = new vscode.Diagnostic(range, found.message, severity);
  diagnostic.source = "voxpeer";
  diagnostic.code = found.code;
  const inFiles = found.notes.filter((note) => note.file && !note.file.startsWith("<"));
  diagnostic.relatedInformation = inFiles.map((note) => {
    const place = new vscode.Position(note.line, note.start);
    const location = new vscode.Location(vscode.Uri.file(note.file), place);
    return new vscode.DiagnosticRelatedInformation(location, note.message);
  });
  return diagnostic;
}

function explanation(entry) {
  const text = new vscode.MarkdownString();
  text.appendCodeblock(entry.usage, "imgql");
  text.appendMarkdown([entry.summary, ...entry.notes].join("\n\n"));
  if (entry.examples.length > 0) {
    text.appendCodeblock(entry.examples[0].program, "imgql");
  }
  return text;
}

module.exports = { activate };
