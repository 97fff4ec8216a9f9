// Opens one program in the extension, with a stand-in for the editor around it.
//
//   node stand_in.cjs EXTENSION FILE VOXPEER HOVERED_WORD
//
// Prints what the editor was asked to show.
"use strict";

const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");

const [extension, file, command, word] = process.argv.slice(2);
const text = fs.readFileSync(file, "utf8");
const document = {
  languageId: "imgql",
  uri: { fsPath: file, scheme: "file" },
  version: 1,
  getText: (range) => (range ? word : text),
  getWordRangeAtPosition: () => ({}),
};
let hover;

class MarkdownString {
  value = "";
  appendCodeblock(code) {
    this.value += code + "\n";
  }
  appendMarkdown(more) {
    this.value += more + "\n";
  }
}

const vscode = {
  Range: class {
    constructor(...places) {
      this.places = places;
    }
  },
  Diagnostic: class {
    constructor(range, message, severity) {
      Object.assign(this, { range, message, severity });
    }
  },
  DiagnosticRelatedInformation: class {
    constructor(location, message) {
      Object.assign(this, { location, message });
    }
  },
  Location: class {
    constructor(uri, position) {
      Object.assign(this, { uri, position });
    }
  },
  Position: class {
    constructor(...place) {
      this.place = place;
    }
  },
  Uri: { file: (name) => name },
  DiagnosticSeverity: { Error: 0, Warning: 1 },
  Hover: class {
    constructor(contents) {
      this.contents = contents;
    }
  },
  MarkdownString,
  languages: {
    createDiagnosticCollection: () => ({
      set: async (_, mistakes) => {
        const entry = await hover.provideHover(document, {});
        const shown = mistakes.map((one) => ({
          places: one.range.places,
          message: one.message,
          severity: one.severity,
          code: one.code,
          notes: one.relatedInformation.map((note) => [
            note.location.uri,
            ...note.location.position.place,
            note.message,
          ]),
        }));
        console.log(JSON.stringify({ shown, hover: entry && entry.contents.value }));
      },
      delete: () => undefined,
    }),
    registerHoverProvider: (_, provider) => (hover = provider),
  },
  window: { showWarningMessage: (message) => console.log(JSON.stringify({ message })) },
  workspace: {
    getConfiguration: () => ({ command, checkArguments: [] }),
    textDocuments: [document],
    onDidOpenTextDocument: () => undefined,
    onDidChangeTextDocument: () => undefined,
    onDidCloseTextDocument: () => undefined,
  },
};

const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? vscode : load(name, ...rest));
require(path.resolve(extension, "extension.js")).activate({ subscriptions: [] });
