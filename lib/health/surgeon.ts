/** Repairs a run: each candidate is tried for some steps from where the run was healthy, and stays if it helps. */

import type { DataSet } from "../data/index.js";
import { EvengradError } from "../error.js";
import type { Structure } from "../init/structure.js";
import { Generator } from "../ops/index.js";
import type { Tensor } from "../tensor.js";
import type { FitOptions } from "../train/fit.js";
import type { Checkpoint, Loop } from "../train/loop.js";
import type { StartFacts } from "./facts/start.js";
import type { Finding } from "./finding.js";
import type { RepairRecord } from "./record.js";
import { repairs } from "./repairs/index.js";
import { type Applied, undoAll } from "./repairs/repair.js";
import { better, floorOf, gain, type Score, scoreOf, worst } from "./score.js";

/** A repair is kept at once if it gains so much of what is to be had; the best one if it gains the other. */
const [clear, some] = [0.3, 0.05];
/** After a repair, another one is to gain so much. */
const much = 0.1;
/** Rows that are held out for a long trial: at least so many, and at most; which ones, is always the same. */
const [leastJudged, mostJudged, heldOutSeed] = [50, 1024, 20];
/** One that takes the fault away may cost so much in its first steps. */
const bearable = 0.25;

/** A repair that can be tried. */
type Mending = keyof typeof repairs;

/** What is tried when a finding's own advice does not help. */
const general: readonly Mending[] = [
  "reinitialize",
  "lowerRate",
  "raiseRate",
  "adaptiveOptimizer",
  "normalize",
  "rescaleInputs",
  "clip",
];

/** What the surgeon works on: facts as they are after the repairs so far. */
export interface Case {
  readonly facts: StartFacts;
  readonly structure: Structure;
}

/** What a trial trains on, and what it is judged by. */
interface Rows {
  readonly train: DataSet;
  readonly judge: DataSet;
}

/** One fault to be mended. */
interface Task {
  readonly finding: Finding;
  readonly state: Case;
  /** Steps made when it was found. */
  readonly step: number;
  readonly back: Checkpoint;
  /** Steps of one trial. */
  readonly length: number;
  readonly rows: Rows;
  /** What a trial gives without any repair. */
  readonly without: Score;
  readonly cures?: Cures;
}

/** The loss that the run as it is now begins with, if the fault no longer shows. */
type Cures = () => Promise<number | undefined>;

/** A repair and how strongly it is made. */
interface Measure {
  readonly name: Mending;
  readonly degree: number;
}

/** Repairs that were tried together, mostly one, and what they came to. */
interface Attempt {
  readonly made: readonly (Measure & Applied)[];
  readonly score: Score;
  /** Whether the fault no longer shows, and whether the run learns besides. */
  readonly cured: boolean;
  readonly heals: boolean;
}

/** An attempt, and where its records begin. */
interface Tried {
  readonly attempt: Attempt;
  readonly at: number;
}

export class Surgeon {
  /** The run's own loss: what scores are in, also where a repair changes it. */
  private readonly loss: FitOptions["loss"];
  /** How to take back the repair that is being tried. */
  private undos: (() => void)[] = [];

  constructor(
    private readonly loop: Loop,
    private readonly sample: { readonly x: Tensor; readonly y: Tensor },
    private readonly rows: DataSet,
  ) {
    this.loss = loop.options.loss;
  }

  /** Steps of a trial from a checkpoint: a share of the run, but at least 20 and at most so many. */
  private lengthOf({ at }: Checkpoint, share: number, most: number): number {
    const { total } = this.loop;
    return Math.min(total - at, Math.max(20, Math.min(most, Math.round(total * share))));
  }

  /** Trains for some steps as the run is now, and scores it; the run does not go back by itself. */
  private async trial({ state, length, rows: { train, judge } }: Omit<Task, "without">): Promise<Score> {
    const { loop } = this;
    try {
      await loop.unwatched(() => loop.advanceTo(Math.min(loop.total, loop.at + length)), train);
    } catch (error) {
      if (error instanceof EvengradError) return worst;
      throw error;
    }
    const score = await scoreOf(loop, judge, state.facts, state.facts.output.op, this.loss);
    loop.options.signal?.throwIfAborted();
    return score;
  }

  /** A task, with what a trial gives as it is. */
  private async asIs(task: Omit<Task, "without">): Promise<Task> {
    this.loop.restore(task.back);
    const without = await this.trial(task);
    this.loop.restore(task.back);
    return { ...task, without };
  }

  private get all(): Rows {
    return { train: this.loop.set, judge: this.rows };
  }

  /** Three quarters to train on, in whole batches, and the last quarter to judge by: a long trial learns rows by heart. */
  private get heldOut(): Rows {
    const { set, options, at } = this.loop;
    const { validation, batchSize = 32 } = options;
    const kept = Math.floor((0.75 * set.size) / batchSize) * batchSize;
    if (validation || at > 0 || kept === 0 || set.size - kept < leastJudged) return this.all;
    const order = new Generator(heldOutSeed).permutation(set.size);
    return { train: set.rows(order.subarray(0, kept)), judge: set.rows(order.subarray(kept, kept + mostJudged)) };
  }

  /** Operates; whatever interrupts it (an abort, say), what was being tried is taken back. */
  private async safely<T>(work: (now: Checkpoint) => Promise<T>): Promise<T> {
    const now = await this.loop.save();
    try {
      return await work(now);
    } catch (error) {
      undoAll(this.undos)();
      this.loop.restore(now);
      throw error;
    } finally {
      this.undos = [];
    }
  }

  /**
   * Goes back to a checkpoint and tries what may mend a finding, its own advice before all else; the run goes on from there
   * with the first repair that clearly helps or takes the fault away at no cost, or else with the best one, or from where it is
   * now if none helps. What takes the fault away and helps nothing may want the repair of what was found beside it.
   */
  async repair(
    finding: Finding,
    beside: readonly Finding[],
    state: Case,
    back: Checkpoint,
    cures: Cures,
    thorough: boolean,
  ): Promise<RepairRecord[]> {
    const { loop } = this;
    const records: RepairRecord[] = [];
    const advised = mendingsOf(finding);
    const others = general.filter((name) => !advised.includes(name));
    const first = advised.slice(0, 1);
    const together = [...new Set([...first, ...beside.flatMap((f) => mendingsOf(f).slice(0, 1))])];
    const alone = (names: readonly Mending[]): Mending[][] => names.map((name) => [name]);
    const lists = [...alone(first), ...(together.length > 1 ? [together] : []), ...alone(advised.slice(1))];
    await this.safely(async (now) => {
      const [length, rows] = [this.lengthOf(back, 1 / 4, 200), this.all];
      const task = await this.asIs({ finding, state, step: now.at, back, length, rows, cures });
      for (const candidates of thorough ? [lists, alone(others)] : [lists]) {
        if (await this.tryAll(candidates, task, records)) return;
      }
      loop.restore(now);
    });
    return records;
  }

  /** Whether one of the candidates, each of repairs that are made together, stays. */
  private async tryAll(
    candidates: readonly (readonly Mending[])[],
    task: Task,
    records: RepairRecord[],
  ): Promise<boolean> {
    const floor = better(task.without, floorOf(task.state.facts));
    let best: Tried | undefined;
    const cures: Attempt[] = [];
    const isEnough = async (attempt: Attempt | undefined): Promise<boolean> => {
      if (!attempt) return false;
      const tried = { attempt, at: records.length };
      records.push(...recordsOf(attempt, task));
      if (attempt.heals || gain(floor, attempt.score) >= clear) {
        await this.stays(tried, task, records);
        return true;
      }
      if (gain(task.without, attempt.score) >= some && gain(best?.attempt.score ?? task.without, attempt.score) > 0)
        best = tried;
      if (attempt.cured) cures.push(attempt);
      return false;
    };
    for (const names of candidates) if (await isEnough(await this.attempt(names, task))) return true;
    // What takes the fault away, and yet the run blows up or learns nothing, may want a lower rate besides.
    const fast = cures.filter(({ made }) => !made.some(({ name }) => name === "lowerRate"));
    for (const { made } of fast) if (await isEnough(await this.strongest(made, "lowerRate", task))) return true;
    if (best) await this.stays(best, task, records);
    return best !== undefined;
  }

  /** Makes repairs one after the other; those for which there is nothing are left out. */
  private apply(measures: readonly Measure[], { finding, state }: Task): Attempt["made"] {
    return measures.flatMap(({ name, degree }) => {
      const applied = repairs[name].apply({ loop: this.loop, sample: this.sample, ...state }, finding, degree);
      if (!applied) return [];
      this.undos.push(applied.undo);
      return [{ name, degree, ...applied }];
    });
  }

  /** Makes repairs once more, from where the run went back to; where the run now stands. */
  private async stays({ attempt, at }: Tried, task: Task, records: RepairRecord[]): Promise<Checkpoint> {
    this.apply(attempt.made, task);
    for (const [i] of attempt.made.entries()) records[at + i] = { ...records[at + i], outcome: "kept" };
    return this.loop.save();
  }

  /** Tries repairs together, or a single one more and more strongly. */
  private attempt(names: readonly Mending[], task: Task): Promise<Attempt | undefined> {
    if (names.length === 1) return this.strongest([], names[0], task);
    return this.tried(
      names.map((name) => ({ name, degree: 1 })),
      task,
    );
  }

  /** Tries a repair more strongly as long as that may help, with others; undefined where there is nothing for it. */
  private async strongest(others: readonly Measure[], name: Mending, task: Task): Promise<Attempt | undefined> {
    let best: Attempt | undefined;
    const most = repairs[name].degrees ?? 1;
    for (let degree = 1; degree <= most; degree++) {
      const made = await this.tried([...others, { name, degree }], task);
      if (!made) break;
      const more = gain(best?.score ?? task.without, made.score);
      if (!best || more >= some) best = made;
      // One that does not help yet may if it is stronger; one that helped, and no more, is enough.
      else if (gain(task.without, best.score) >= some) break;
    }
    return best;
  }

  /** What repairs come to; they are taken back. */
  private async tried(measures: readonly Measure[], task: Task): Promise<Attempt | undefined> {
    const { loop, undos } = this;
    const before = undos.length;
    const made = this.apply(measures, task);
    if (made.length < Math.min(2, measures.length)) {
      undoAll(undos.splice(before))(); // nothing, or alone what was tried alone
      return undefined;
    }
    await loop.save(); // gives new weights their first values
    const cured = await task.cures?.();
    const score = await this.trial(task);
    undoAll(undos.splice(before))();
    loop.restore(task.back);
    return { made, score, cured: cured !== undefined, heals: heals(cured, score, task) };
  }

  /**
   * After a repair: whether another rate, the usual optimizer or a norm makes the run as it is now much better still. What
   * made it ill may have set these, too. The best of each round stays.
   */
  async recover(finding: Finding, state: Case): Promise<RepairRecord[]> {
    const records: RepairRecord[] = [];
    const floor = floorOf(state.facts);
    await this.safely(async (now) => {
      const [length, rows] = [this.lengthOf(now, 1, 400), this.heldOut];
      let task = await this.asIs({ finding, state, step: now.at, back: now, length, rows });
      for (let round = 0; round < 2 && !isGood(task.without, floor); round++) {
        let best: Tried | undefined;
        for (const measure of recovery) {
          const attempt = await this.tried([measure], task);
          if (!attempt) continue;
          const tried = { attempt, at: records.length };
          records.push(...recordsOf(attempt, task));
          if (gain(best?.attempt.score ?? task.without, attempt.score) >= (best ? 0 : much)) best = tried;
        }
        if (!best) return;
        task = { ...task, back: await this.stays(best, task, records), without: best.attempt.score };
      }
    });
    return records;
  }
}

/** Rates are tried in steps of about 3. */
const recovery: readonly Measure[] = [
  { name: "usualMemory", degree: 1 },
  { name: "raiseRate", degree: 0.5 },
  { name: "lowerRate", degree: 0.5 },
  { name: "raiseRate", degree: 1 },
  { name: "lowerRate", degree: 1 },
  { name: "adaptiveOptimizer", degree: 1 },
  { name: "normalize", degree: 1 },
  { name: "residual", degree: 1 },
  { name: "reinitialize", degree: 1 },
];

/** Stopping early is not the surgeon's. */
const mendingsOf = ({ advice }: Finding): Mending[] =>
  advice.flatMap(({ repair }) => (repair === undefined || repair === "stopEarly" ? [] : [repair]));

/** Where there is little left to be had. */
const isGood = ({ accuracy, loss }: Score, floor: Score): boolean =>
  Number.isNaN(accuracy) ? loss < 0.05 * floor.loss : accuracy > 0.97;

const recordsOf = ({ made, score }: Attempt, { finding, step, back, length, without }: Task): RepairRecord[] =>
  made.map(({ name, did, code }) => ({
    ...{ step, backTo: back.at, finding, repair: name, did, code, outcome: "undone" },
    trial: { steps: length, without: without.loss, with: score.loss },
  }));

/**
 * Whether the fault is gone and the run learns: no worse than before, or at least better than where it now begins; where the
 * run learned nothing before either, something else is wrong, too, and it need only do no harm.
 */
function heals(cured: number | undefined, score: Score, { without, state }: Task): boolean {
  if (cured === undefined) return false;
  const learned = gain(floorOf(state.facts), without) > some;
  return gain(without, score) > -bearable || score.loss < (learned ? 0.97 : 1.02) * cured;
}
