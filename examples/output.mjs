/** Where examples write their pictures, and whether a file was started rather than imported. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const folder = argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), "out");

/** Runs `main` if the module is the program that was started; `main` gives pictures by name, which are written. */
export async function runAs(program, main) {
  if (argv[1] !== fileURLToPath(program)) return;
  await mkdir(folder, { recursive: true });
  for (const [name, svg] of Object.entries(await main())) {
    await writeFile(join(folder, `${name}.svg`), svg);
    console.log(`picture: ${join(folder, `${name}.svg`)}`);
  }
}
