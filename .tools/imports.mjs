// Checks that imports in lib/ run one way: each file imports values from its own level or an
// earlier one. Imports of types alone may go either way, and core.ts and index.ts may import everything.
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import ts from "typescript";
import { at, files, root } from "./lib.mjs";

const levels = [
  ["error", "dtype", "shape", "table", "chart"],
  ["tensor"],
  ["ops"],
  ["grad"],
  ["compile"],
  ["run"],
  ["nn", "init", "optim"],
  ["data"],
  ["train"],
  ["health"],
  ["cli"],
];

/** The part of the package that a file under lib/ belongs to: its first name. */
const part = (file) => file.split("/")[1].replace(/\.[cm]?[jt]s$/, "");
const level = (file) => levels.findIndex((names) => names.includes(part(file)));

/** The relative modules whose values a file imports, with their lines. */
function valueImports(file) {
  const source = ts.createSourceFile(file, readFileSync(at(file), "utf8"), ts.ScriptTarget.Latest);
  const found = [];
  const add = (node, specifier) => {
    if (!ts.isStringLiteral(specifier) || !specifier.text.startsWith(".")) return;
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    found.push({ line, to: relative(root, join(root, dirname(file), specifier.text)) });
  };
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const names = clause?.namedBindings;
      const typesOnly =
        clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (clause &&
          !clause.name &&
          names &&
          ts.isNamedImports(names) &&
          names.elements.length > 0 &&
          names.elements.every((e) => e.isTypeOnly));
      if (!typesOnly) add(node, node.moduleSpecifier);
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier && !node.isTypeOnly) {
      add(node, node.moduleSpecifier);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0]);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Every breach of the order, one message each. */
export function importBreaches() {
  const messages = new Set();
  for (const file of files("lib").filter((f) => /\.[cm]?ts$/.test(f) && !["lib/index.ts", "lib/core.ts"].includes(f))) {
    if (level(file) < 0) {
      messages.add(`${file}: lib/ has no place for "${part(file)}". Add it to .tools/imports.mjs`);
      continue;
    }
    for (const { line, to } of valueImports(file)) {
      if (level(to) > level(file)) {
        messages.add(`${file}:${line}: ${part(file)} comes before ${part(to)}, got a value import`);
      }
    }
  }
  return [...messages];
}
