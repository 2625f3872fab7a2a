/** One seed, one set of weights: under every instruction set of this machine and on any number of threads. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { addon } from "../lib/run/addon.js";

const library = join(import.meta.dirname, "../dist/cjs/index.js");

/** Prints the bits of each initializer's draws, in base64. */
const script = `
  const { init, isa, threads } = require(${JSON.stringify(library)});
  const draws = {
    uniform: init.uniform, xavierUniform: init.xavierUniform, normal: init.normal, heNormal: init.heNormal,
    truncatedNormal: init.truncatedNormal, sparse: init.sparse, orthogonal: init.orthogonal,
    wide: (_, options) => init.orthogonal([150, 4, 70], options),
  };
  (async () => {
    const found = { isa: isa(), threads: threads() };
    for (const [name, draw] of Object.entries(draws)) {
      const values = await draw([410, 300], { seed: 12 }).data();
      found[name] = Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64");
    }
    console.log(JSON.stringify(found));
  })();
`;

async function drawn(isa: string, threads: number): Promise<Record<string, string>> {
  const env = { ...process.env, EVENGRAD_ISA: isa, EVENGRAD_THREADS: `${threads}` };
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script], { env, maxBuffer: 2 ** 26 });
  const { isa: used, threads: count, ...draws } = JSON.parse(stdout);
  expect([used, count]).toEqual([isa, threads]);
  return draws;
}

function floats(text: string): Float32Array {
  const bytes = Buffer.from(text, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

const orthogonal = ["orthogonal", "wide"];
const all = addon().isas();

test.each(all.flatMap((isa) => [1, 3].map((threads) => [isa, threads] as const)))(
  "under %s on %i threads",
  async (isa, threads) => {
    const [want, got] = await Promise.all([drawn(all[0], 2), drawn(isa, threads)]);
    expect(Object.keys(got)).toEqual(Object.keys(want));
    for (const name of Object.keys(got)) {
      const [a, b] = [floats(want[name]), floats(got[name])];
      const apart = a.reduce((most, x, i) => Math.max(most, Math.abs(x - b[i])), 0);
      // Products are rounded twice where there is no fused multiply-add.
      const allowed = isa === "sse" && all[0] !== "sse" && orthogonal.includes(name) ? 2e-6 : 0;
      expect([name, apart <= allowed]).toEqual([name, true]);
    }
  },
  60_000,
);
