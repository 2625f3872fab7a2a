// Shows that the tests see a formula that is some 5 % off: alters each formula of `mutants.json` in turn, in a copy of the
// sources, and names those that no test of their group sees. `mutants.mjs [--list] [WORDS…]`: only those with a word in
// them; with --list no more than that the sources hold what they alter, and what that is.
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { at, bin, Failure, main, node } from "./lib.mjs";

const copy = at("build/mutants");

/** Runs tests of the copy until one fails; whether any did, and the name of the first. */
async function test(filters) {
  const command = ["run", "--config", "test/vitest.config.ts", "--bail", "1", ...filters];
  const { code, output: coloured } = await node(bin("vitest"), command, { cwd: copy });
  const output = stripVTControlCharacters(coloured);
  return { failed: code !== 0, by: /FAIL\s+(.+ > .+)/.exec(output)?.[1], output };
}

/** Every alteration of the table that holds one of the words, if there are any, with what its file becomes. */
function alterations(words) {
  return JSON.parse(readFileSync(at(".tools/mutants.json"), "utf8")).flatMap(({ tests, files }) =>
    Object.entries(files).flatMap(([file, changes]) => {
      const text = readFileSync(at(file), "utf8");
      return changes.flatMap(([from, to]) => {
        if (text.split(from).length !== 2) throw new Failure(`mutants: ${file} must hold this once:\n${from}`);
        const label = `${file}: ${from} → ${to}`.replaceAll(/\s*\n\s*/g, " ⏎ ");
        if (words.length > 0 && !words.some((word) => label.includes(word))) return [];
        return [{ file, text, altered: text.replace(from, () => to), label, tests }];
      });
    }),
  );
}

await main(async () => {
  const list = process.argv[2] === "--list";
  const words = process.argv.slice(list ? 3 : 2);
  const chosen = alterations(words);
  if (chosen.length === 0)
    throw new Failure(`mutants: an alteration must hold a word, got none with ${words.join(", ")}`);
  if (list) return console.log(chosen.map(({ label }) => label).join("\n"));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(copy, { recursive: true });
  for (const name of ["lib", "test", "examples", "package.json", "build/Release", "dist"])
    cpSync(at(name), join(copy, name), { recursive: true });
  symlinkSync(at("node_modules"), join(copy, "node_modules"), "junction");
  for (const filters of new Set(chosen.map(({ tests }) => tests.join(" ")))) {
    const { failed, output } = await test(filters.split(" "));
    if (failed) throw new Failure(`mutants: ${filters} must pass as they are, got\n${output}`);
  }
  const unseen = [];
  for (const { file, text, altered, label, tests } of chosen) {
    writeFileSync(join(copy, file), altered);
    const { failed, by, output } = await test(tests);
    writeFileSync(join(copy, file), text);
    if (failed && !by) throw new Failure(`mutants: a test must fail by name for ${label}, got\n${output}`);
    console.log(failed ? `seen    ${label}   (${by})` : `UNSEEN  ${label}`);
    if (!failed) unseen.push(label);
  }
  rmSync(copy, { recursive: true });
  console.log(`${chosen.length - unseen.length} of ${chosen.length} seen`);
  if (unseen.length > 0) throw new Failure(`mutants: no test saw\n${unseen.join("\n")}`);
});
