/** `bench doctor`: the doctor over a zoo of small runs with known faults, and of healthy ones. */
import { Command, InvalidArgumentError, Option } from "commander";
import { count } from "../options.js";
import { costsTable } from "./costs.js";
import { faults } from "./faults/index.js";
import {
  type FaultyCase,
  type FaultyOutcome,
  type Figures,
  type HealthyCase,
  isFault,
  isHealthy,
  judge,
  worstOf,
} from "./judge.js";
import type { Overhead } from "./overhead.js";
import { Pool } from "./pool.js";
import { figuresTable, mistakes, outcomesTable, overheadText } from "./print.js";
import { seeds } from "./search.js";
import { type FaultyRun, type Half, type HealthyRun, halves, zooOf } from "./zoo.js";

interface Flags {
  readonly half: Half;
  readonly limit?: number;
  readonly only?: string;
  readonly threads: number;
  readonly workers: number;
  readonly rounds: number;
  readonly chance: boolean;
  readonly fresh: boolean;
  readonly outcomes: boolean;
  readonly costs: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
}

const [first] = seeds;

/** So many of a list, evenly spread over it. */
export const spreadOut = <T>(list: readonly T[], limit = list.length): T[] =>
  list.filter((_, i) => Math.floor((i * limit) / list.length) !== Math.floor(((i - 1) * limit) / list.length));

async function faultyOutcome(pool: Pool, run: FaultyRun): Promise<FaultyOutcome> {
  const scores = (spec: FaultyRun["spoiled"]): Promise<number[]> =>
    Promise.all(seeds.map(async (seed) => (await pool.ask("train", spec, seed)).score));
  const [spoiled, repaired] = await Promise.all([scores(run.spoiled), scores(run.repaired)]);
  return { run, spoiled, repaired };
}

async function faultyCase(pool: Pool, outcome: FaultyOutcome, chance: boolean): Promise<FaultyCase> {
  const { id, spoiled } = outcome.run;
  const worst = seeds[worstOf(outcome.spoiled)];
  const [diagnosis, published, mended] = await Promise.all([
    pool.ask("diagnose", spoiled, worst),
    pool.ask("published", spoiled, worst),
    Promise.all(seeds.map((seed) => pool.ask("mend", spoiled, seed))),
  ]);
  const search = (seed: number, i: number) => pool.ask("searchByChance", spoiled, seed, mended[i].steps, id);
  const searched = chance ? await Promise.all(seeds.map(search)) : undefined;
  return { ...outcome, diagnosis, published, mended, searched };
}

/** A healthy run's case; undefined if it turns out that it could do better. */
async function healthyCase(pool: Pool, { id, run }: HealthyRun): Promise<HealthyCase | undefined> {
  const [scores, { score: best }] = await Promise.all([
    Promise.all(seeds.map(async (seed) => (await pool.ask("train", run, seed)).score)),
    pool.ask("bestByChance", run, id),
  ]);
  const outcome = { run: { id, run }, scores, best };
  if (!isHealthy(outcome)) return undefined;
  const [diagnosis, published] = await Promise.all([
    pool.ask("diagnose", run, first),
    pool.ask("published", run, first),
  ]);
  return { ...outcome, diagnosis, published };
}

interface Everything {
  readonly figures: Figures;
  readonly faulty: readonly FaultyCase[];
  readonly healthy: readonly HealthyCase[];
  readonly harmless: readonly FaultyOutcome[];
  readonly overhead?: Overhead;
}

async function runAll(
  pool: Pool,
  faultyRuns: readonly FaultyRun[],
  healthyRuns: readonly HealthyRun[],
  { rounds, chance }: Pick<Flags, "rounds" | "chance">,
): Promise<Everything> {
  const harmless: FaultyOutcome[] = [];
  const [faulty, healthy] = await Promise.all([
    Promise.all(
      faultyRuns.map(async (run) => {
        const outcome = await faultyOutcome(pool, run);
        if (isFault(outcome)) return faultyCase(pool, outcome, chance);
        harmless.push(outcome);
        return undefined;
      }),
    ),
    Promise.all(healthyRuns.map((run) => healthyCase(pool, run))),
  ]);
  const cases = { faulty: faulty.filter((c) => c !== undefined), healthy: healthy.filter((c) => c !== undefined) };
  const overhead = rounds > 0 ? await pool.ask("overhead", rounds) : undefined;
  const left = { harmless, notHealthy: healthyRuns.length - cases.healthy.length };
  return { ...cases, harmless, overhead, figures: judge(cases.faulty, cases.healthy, left, overhead?.percent ?? null) };
}

async function run({
  half,
  limit,
  only,
  threads,
  workers,
  rounds,
  chance,
  fresh,
  outcomes,
  costs,
  verbose,
  json,
}: Flags): Promise<void> {
  const zoo = zooOf(half);
  const faulty = spreadOut(
    zoo.faulty.filter((r) => only === undefined || r.faults.includes(only)),
    limit,
  );
  const healthy = spreadOut(only === undefined ? zoo.healthy : [], limit);
  const pool = new Pool(workers, threads, fresh);
  try {
    if (costs) return console.log(costsTable(await pool.ask("costs", Math.max(1, rounds))));
    if (outcomes) return console.log(outcomesTable(await Promise.all(faulty.map((r) => faultyOutcome(pool, r)))));
    const all = await runAll(pool, faulty, healthy, { rounds, chance });
    if (json) return console.log(JSON.stringify(all.figures));
    if (verbose) console.log(`${mistakes(all.faulty, all.healthy, all.harmless)}\n`);
    console.log(figuresTable(all.figures));
    if (all.overhead) console.log(overheadText(all.overhead));
  } finally {
    pool.end();
  }
}

function faultName(name: string): string {
  const names = faults.map((fault) => fault.name);
  if (names.includes(name)) return name;
  throw new InvalidArgumentError(`There is no fault ${name}. Wanted one of ${names.join(", ")}.`);
}

/** The subcommand; what the figures mean is in docs/zoo.md. */
export const doctorCommand = new Command("doctor")
  .description("The doctor over a zoo of faulty and healthy runs; docs/zoo.md says what is counted.")
  .addOption(new Option("--half <name>", "of the zoo").choices([...halves]).default("test"))
  .option("--limit <n>", "so many faulty and so many healthy runs", count)
  .option("--only <fault>", "runs with this fault, and no healthy ones", faultName)
  .option("--threads <n>", "compute threads of each worker", count, 1)
  .option("--workers <n>", "processes", count, 2)
  .option(
    "--rounds <n>",
    "how often overhead is measured, 0 leaves it out",
    (text) => (text === "0" ? 0 : count(text)),
    5,
  )
  .option("--no-chance", "leaves out what chance repairs, about half of the time that all takes")
  .option("--fresh", "forgets the outcomes of earlier runs of the bench", false)
  .option("--outcomes", "only what faulty and repaired runs score, without the doctor", false)
  .option("--costs", "only what the doctor counts a step and a look to cost, beside what they take", false)
  .option("--verbose", "first everything that the doctor got wrong", false)
  .option("--json", "print one JSON object, and nothing else", false)
  .action(run);
