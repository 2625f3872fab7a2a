/** Examples out of docstrings and Markdown: found, type-checked together, and run with the values in their comments compared. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

export interface Example {
  /** File and line, e.g. `lib/grad.ts:14`. */
  readonly at: string;
  readonly code: string;
}

const root = join(import.meta.dirname, "..");

const filesIn = (folder: string, ending: RegExp): string[] =>
  (readdirSync(join(root, folder), { recursive: true }) as string[])
    .filter((name) => ending.test(name))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .sort();

/** Every `@example` under a folder; a fence around one is left out. */
export function docstringExamples(folder: string): Example[] {
  return filesIn(folder, /\.c?ts$/).flatMap((name) => {
    const text = readFileSync(join(root, name), "utf8");
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
    const found = new Map<number, Example>();
    const visit = (node: ts.Node): void => {
      for (const tag of ts.getJSDocTags(node)) {
        if (tag.tagName.text !== "example") continue;
        const line = source.getLineAndCharacterOfPosition(tag.pos).line + 1;
        // The text as written: the parser would take {@link …} and the like out of it.
        const raw = text.slice(tag.tagName.end, tag.end).replace(/\*\/$/, "");
        const lines = raw.split("\n").map((l, i) => (i === 0 ? l : l.replace(/^\s*\*? ?/, "")));
        const code = lines
          .filter((l) => !l.startsWith("```"))
          .join("\n")
          .trim();
        found.set(tag.pos, { at: `${name}:${line}`, code });
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
    return [...found.values()];
  });
}

/** Every block of TypeScript or JavaScript in Markdown files, without its imports from the package. */
export function markdownExamples(): Example[] {
  const docs = filesIn("docs", /\.md$/).filter((name) => !name.startsWith("docs/api/"));
  return ["README.md", "CONTRIBUTING.md", ...docs].flatMap((name) => {
    const text = readFileSync(join(root, name), "utf8");
    return [...text.matchAll(/^```(?:ts|js|typescript|javascript)\n(.*?)^```/gms)].map(({ 1: code, index }) => ({
      at: `${name}:${text.slice(0, index).split("\n").length + 1}`,
      code: code.replace(/^import [^;]* from ["']evengrad["'];\n/gm, ""),
    }));
  });
}

/** Faults that the compiler finds in examples, each inside an async function after `prelude`. */
export function typeFaults(examples: readonly Example[], prelude: string): string[] {
  const name = join(root, "test/examples.generated.ts");
  const starts: number[] = [];
  let text = `${prelude}\n`;
  for (const { code } of examples) {
    text += "(async () => {\n";
    starts.push(text.split("\n").length);
    text += `${code}\n});\n`;
  }
  const config = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config as { compilerOptions: object };
  const { options } = ts.convertCompilerOptionsFromJson({ ...config.compilerOptions, noEmit: true }, root);
  options.typeRoots = [join(root, "node_modules/@types")]; // wherever the process stands
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true) : getSourceFile(file, ...rest);
  const program = ts.createProgram([name], options, host);
  const source = program.getSourceFile(name) as ts.SourceFile;
  return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((d) => {
    const line = source.getLineAndCharacterOfPosition(d.start ?? 0).line + 1;
    const which = starts.filter((start) => start <= line).length - 1;
    const where = which < 0 ? "prelude" : examples[which].at;
    return `${where}: ${text.split("\n")[line - 1].trim()}\n  ${ts.flattenDiagnosticMessageText(d.messageText, "\n  ")}`;
  });
}

/** What a comment beside an expression says about its value: a literal, a typed array, or nothing that can be checked. */
export function expectedOf(comment: string): unknown {
  const text = comment.replace(/^\/\/\s*/, "");
  const length = /^(Float32Array|Int32Array|Uint8Array)\((\d+)\)/.exec(text);
  if (length) return { type: length[1], length: Number(length[2]) };
  const list = /^(Float32Array|Int32Array|Uint8Array) (\[.*?\])$/.exec(text);
  if (list) return { type: list[1], values: JSON.parse(list[2]) as number[] };
  const about = /^(?:about|just under) ([\d.]+)$/.exec(text);
  if (about) return { about: Number(about[1]) };
  try {
    return { value: new Function(`return (${text});`)() as unknown };
  } catch {
    return undefined;
  }
}

/** Code in which `$check(value, comment)` is called for every expression that has a comment behind it. */
export function instrumented(code: string): string {
  const source = ts.createSourceFile("example.ts", code, ts.ScriptTarget.Latest, true);
  const edits: { from: number; to: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const [comment] = ts.getTrailingCommentRanges(code, node.end) ?? [];
      if (comment) {
        const said = JSON.stringify(code.slice(comment.pos, comment.end));
        const text = `$check(${node.expression.getText()}, ${said});`;
        edits.push({ from: node.getStart(), to: node.end, text });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  let result = code;
  for (const { from, to, text } of edits.sort((a, b) => b.from - a.from))
    result = result.slice(0, from) + text + result.slice(to);
  return ts.transpileModule(result, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  }).outputText;
}
