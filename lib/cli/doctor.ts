/** `evengrad doctor`: runs a training script with the doctor on and prints what it finds. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pico from "picocolors";
import { EvengradError, type History, health } from "../index.js";

export interface DoctorFlags {
  repair: "auto" | "suggest";
  report?: string;
  json: boolean;
}

/** Runs the script in a Node of its own; gives its exit code. */
function run(script: string, args: readonly string[], env: NodeJS.ProcessEnv, out: 1 | 2): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
      stdio: ["inherit", out, 2],
      env,
    });
    child.on("error", reject);
    child.on("exit", (code, signal) => resolve(code ?? (signal ? 1 : 0)));
  });
}

/** The file of one of several reports: `report.html`, `report-2.html`, …. */
const numbered = (file: string, index: number): string =>
  index === 0 ? file : file.replace(/(\.[^./\\]*)?$/, (ending) => `-${index + 1}${ending}`);

function print({ losses, health: record }: History, title: string): void {
  if (!record) return;
  const mark = record.healthy ? pico.green("healthy") : pico.red("not healthy");
  console.log(`\n${pico.bold(title)}, ${losses.length} steps: ${mark}`);
  console.log(record.verdict);
  for (const finding of record.findings) console.log(`\n${health.explain(finding)}`);
  for (const { outcome, did, step } of record.repairs.filter((r) => r.outcome === "kept"))
    console.log(`\nrepaired at step ${step} (${outcome}): ${did}`);
}

export async function doctor(script: string, args: readonly string[], flags: DoctorFlags): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "evengrad-"));
  const journal = join(folder, "journal");
  try {
    const env = { ...process.env, EVENGRAD_HEALTH: flags.repair, EVENGRAD_JOURNAL: journal };
    process.exitCode = await run(script, args, env, flags.json ? 2 : 1);
    const histories = health.parseJournal(await readFile(journal, "utf8").catch(() => ""));
    if (histories.length === 0)
      throw new EvengradError("doctor", `the script must train with fit, got no run of ${script}`);
    for (const [i, history] of histories.entries()) {
      if (flags.report) await health.report(history, numbered(flags.report, i), { title: script });
      if (!flags.json) print(history, histories.length > 1 ? `run ${i + 1} of ${script}` : script);
    }
    if (flags.json) console.log(JSON.stringify(histories.map((h) => h.health)));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
