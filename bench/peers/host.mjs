// Runs contenders in JavaScript: `host.mjs MODULE`. The module exports `kinds`, one function per kind
// of work that takes the case and returns { run(calls), results() } or, for what is not a time per
// call, { measure(ms), results() }. Answers lines of JSON like peers/driver.h.
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { kinds } = await import(pathToFileURL(process.argv[2]).href);
let work;

async function secondsOf(runs) {
  const start = performance.now();
  await work.run(runs);
  return (performance.now() - start) / 1000;
}

/** Seconds per call over at least `seconds`, after a tenth of that to warm up. */
async function sample(seconds) {
  let runs = 1;
  let warm = await secondsOf(runs);
  while (warm < seconds / 10) {
    runs *= 2;
    warm = await secondsOf(runs);
  }
  runs = Math.max(1, Math.ceil(seconds / (warm / runs)));
  return (await secondsOf(runs)) / (runs * (work.callsPerRun ?? 1));
}

async function answer({ do: what, ms, ...spec }) {
  if (what === "sample") return { measured: await (work.measure ? work.measure(ms) : sample(ms / 1000)) };
  work = undefined;
  globalThis.gc?.();
  const open = kinds[spec.kind];
  if (!open) return { unsupported: "no such kind of work" };
  work = await open(spec);
  if (work.unsupported) return work;
  const results = await work.results?.();
  if (results && spec.out) writeFileSync(spec.out, results);
  return { ok: true, note: work.note };
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply;
  try {
    reply = await answer(JSON.parse(line));
  } catch (error) {
    reply = { error: String(error?.message ?? error).split("\n")[0] };
  }
  process.stdout.write(`${JSON.stringify(reply)}\n`);
}
process.exit(0);
