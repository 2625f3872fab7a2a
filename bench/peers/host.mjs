// Runs contenders in JavaScript: `host.mjs MODULE`. The module exports `kinds`, one function per kind
// of work that takes the case and returns { run(calls), results() } or, for what is not a time per
// call, { measure(ms), results() }. A run may make several calls, `callsPerRun` of them, and work
// whose results cannot be compared has a `note` that says why. Answers lines of JSON like driver.h.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { footprintKinds } from "./footprint.mjs";

const module = await import(pathToFileURL(process.argv[2]).href);

async function secondsOf(work, runs) {
  const start = performance.now();
  await work.run(runs);
  return (performance.now() - start) / 1000;
}

/** What work measures: seconds per call over at least `ms`, after a tenth of that to warm up. */
async function sample(work, ms) {
  if (work.measure) return work.measure(ms);
  let runs = 1;
  let warm = await secondsOf(work, runs);
  while (warm < ms / 10_000) {
    runs *= 2;
    warm = await secondsOf(work, runs);
  }
  runs = Math.max(1, Math.ceil(ms / 1000 / (warm / runs)));
  return (await secondsOf(work, runs)) / (runs * (work.callsPerRun ?? 1));
}

/** Kinds of work made of the module's training steps. */
const derived = {
  /** Throughput while another process keeps a core busy, as a part of the throughput without it. */
  contended: (work) => ({
    note: "it is compared with its own quiet pace",
    async measure(ms) {
      const quiet = await sample(work, ms);
      const neighbour = spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" });
      try {
        await once(neighbour, "spawn");
        return quiet / (await sample(work, ms));
      } finally {
        neighbour.kill("SIGKILL");
      }
    },
  }),
  /** Most memory that the process ever had while it trained, in MiB. */
  memory: (work) => ({
    note: work.note,
    async measure(ms) {
      await sample(work, ms);
      return process.resourceUsage().maxRSS / 1024;
    },
  }),
};

const kinds = { ...(module.footprint && footprintKinds(module.footprint)), ...module.kinds };
for (const [name, from] of Object.entries(derived)) {
  kinds[name] = async (spec) => {
    const work = await module.kinds.step(spec);
    return work.unsupported ? work : from(work);
  };
}

let work;

async function answer({ do: what, ms, ...spec }) {
  if (what === "sample") return { measured: await sample(work, ms) };
  work = undefined;
  globalThis.gc?.();
  if (!kinds[spec.kind]) return { unsupported: "no such kind of work" };
  work = await kinds[spec.kind](spec);
  if (work.unsupported) return work;
  const results = await work.results?.();
  if (results) writeFileSync(spec.out, results);
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
