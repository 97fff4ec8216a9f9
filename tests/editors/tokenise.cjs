// Cuts texts by a TextMate grammar, with the engine that editors use.
//
//   node tokenise.cjs GRAMMAR FOLDER_OF_PACKAGES < texts.json > tokens.json
//
// For each text a list of [start, end, scopes], offsets counted in UTF-16 units.
"use strict";

const fs = require("node:fs");
const { createRequire } = require("node:module");

const [grammarFile, packages] = process.argv.slice(2);
const get = createRequire(packages + "/");
const oniguruma = get("vscode-oniguruma");
const textmate = get("vscode-textmate");

async function main() {
  const wasm = fs.readFileSync(get.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () =>
      textmate.parseRawGrammar(fs.readFileSync(grammarFile, "utf8"), grammarFile),
  });
  const grammar = await registry.loadGrammar("source.imgql");
  const texts = JSON.parse(fs.readFileSync(0, "utf8"));
  process.stdout.write(JSON.stringify(texts.map((text) => tokens(grammar, text))));
}

function tokens(grammar, text) {
  const found = [];
  let stack = textmate.INITIAL;
  let offset = 0;
  for (const line of text.split("\n")) {
    const result = grammar.tokenizeLine(line, stack);
    for (const token of result.tokens) {
      const end = Math.min(token.endIndex, line.length);
      if (end > token.startIndex) {
        found.push([offset + token.startIndex, offset + end, token.scopes.slice(1)]);
      }
    }
    stack = result.ruleStack;
    offset += line.length + 1;
  }
  return found;
}

main();
