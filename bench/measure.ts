/** One case: everyone gets ready, results are compared, then all are measured in turn, A B A B. */
import { mkdirSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, Contender, Unsupported } from "./contender.js";
import { inputFile, readFloats } from "./inputs.js";
import { build } from "./paths.js";
import { type PeerResult, spread } from "./stats.js";
import type { Case, Task } from "./suite.js";

/** Someone to measure with a number of threads. */
export interface Entrant {
  readonly name: string;
  readonly threads: number;
  readonly command: Command;
  /** What it does; others than `ours` and the peers do something else beside them. */
  readonly task: Task;
}

export interface Measured {
  readonly name: string;
  readonly threads: number;
  readonly outcome: PeerResult;
}

export interface Plan {
  readonly rounds: number;
  readonly sampleMs: number;
  /** A new process for every sample. */
  readonly fresh: boolean;
}

/** Longest time for one answer. */
const answerMs = 120_000;
/** A contender that has taken this long over one case gets no further rounds. */
const patienceMs = 6_000;
/** Helper threads of others that wait for more work in a loop have gone to sleep after this long. */
const settleMs = 40;

/** Processes live on from case to case. */
export class Processes {
  private readonly running = new Map<string, Contender>();

  get({ name, threads, command }: Entrant): Contender {
    const key = `${name} ${threads}`;
    let contender = this.running.get(key);
    if (!contender?.alive) {
      contender = new Contender(command, threads);
      this.running.set(key, contender);
    }
    return contender;
  }

  end(): void {
    for (const contender of this.running.values()) contender.end();
    this.running.clear();
  }
}

/** An entrant on its way through a case. */
class Standing {
  readonly samples: number[] = [];
  outcome: PeerResult | undefined;
  /** Why its results are not compared. */
  note: string | undefined;
  further: Readonly<Record<string, number>> = {};
  private spentMs = 0;

  constructor(
    readonly entrant: Entrant,
    private readonly processes: Processes,
  ) {}

  /** Runs a part of the work; whatever fails is the entrant's outcome. */
  async attempt(part: (contender: Contender) => Promise<void>): Promise<void> {
    if (this.outcome || this.spentMs > patienceMs) return;
    const began = performance.now();
    try {
      await part(this.processes.get(this.entrant));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.outcome = error instanceof Unsupported ? { absent: message } : { error: message };
    }
    if (this.samples.length > 0) this.spentMs += performance.now() - began;
  }

  result(): Measured {
    const { name, threads, task } = this.entrant;
    const values = (): number[] => this.samples.map((measured) => task.value(measured, threads));
    return {
      name,
      threads,
      outcome: this.outcome ?? { ...spread(values()), ...this.further, ...(this.note && { note: this.note }) },
    };
  }
}

/** Measures a case. The results of the first entrant are the ones that the others must agree with. */
export async function measure(
  { inputs = {}, differ, further }: Case,
  entrants: readonly Entrant[],
  { rounds, sampleMs, fresh }: Plan,
  processes: Processes,
): Promise<Measured[]> {
  const out = build(`results-${process.pid}.f32`);
  mkdirSync(build(), { recursive: true });
  const files = Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, inputFile(input)]));
  const standings = entrants.map((entrant) => new Standing(entrant, processes));
  const open = (standing: Standing): Promise<void> =>
    standing.attempt(async (contender) => {
      standing.note = await contender.open({ ...standing.entrant.task.spec, ...files, out }, answerMs);
    });
  let expected: Float32Array | undefined;
  const check = async (standing: Standing): Promise<void> => {
    if (!differ || standing.note || standing.entrant.name === "machine") return;
    const results = readFloats(out);
    expected ??= results;
    const difference = differ(expected, results);
    if (difference) throw new Error(`other results than ours: ${difference}`);
    if (further) standing.further = further(results);
  };
  for (const standing of differ || !fresh ? standings : []) {
    rmSync(out, { force: true });
    await open(standing);
    await standing.attempt(() => check(standing));
    if (fresh) processes.end();
  }
  for (let round = 0; round < rounds; round++) {
    for (const standing of standings) {
      if (fresh) await open(standing);
      if (entrants.some(({ threads }) => threads > 1)) await sleep(settleMs);
      await standing.attempt(async (contender) => {
        standing.samples.push(await contender.sample(sampleMs, answerMs));
      });
      if (fresh) processes.end();
    }
  }
  rmSync(out, { force: true });
  return standings.map((standing) => standing.result());
}
