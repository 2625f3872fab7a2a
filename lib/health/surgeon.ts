/** Repairs a run: each candidate is tried for some steps from where the run was healthy, and stays if it helps. */

import type { DataSet } from "../data/index.js";
import { EvengradError } from "../error.js";
import type { Structure } from "../init/structure.js";
import type { Tensor } from "../tensor.js";
import type { FitOptions } from "../train/fit.js";
import type { Checkpoint, Loop } from "../train/loop.js";
import type { StartFacts } from "./facts/start.js";
import type { Finding } from "./finding.js";
import type { RepairRecord } from "./record.js";
import { repairs } from "./repairs/index.js";
import { type Applied, undoAll } from "./repairs/repair.js";
import { gain, type Score, scoreOf, worst } from "./score.js";

/** A repair is kept at once if it gains so much of what is to be had; the best one if it gains the other. */
const [clear, some] = [0.3, 0.05];
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

/** One fault to be mended. */
interface Task {
  readonly finding: Finding;
  readonly state: Case;
  /** Steps made when it was found. */
  readonly step: number;
  readonly back: Checkpoint;
  /** What a trial gives without any repair. */
  readonly without: Score;
  /** The loss that the run as it is now begins with, if the fault no longer shows. */
  readonly cures: () => Promise<number | undefined>;
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

  /** Steps of one trial. */
  private get length(): number {
    const { total, at } = this.loop;
    return Math.min(total - at, Math.max(20, Math.min(200, Math.round(total / 4))));
  }

  /** Trains for some steps as the run is now, and scores it; the run does not go back by itself. */
  private async trial(state: Case): Promise<Score> {
    const { length } = this;
    try {
      await this.loop.unwatched(() => this.loop.advanceTo(this.loop.at + length));
    } catch (error) {
      if (error instanceof EvengradError) return worst;
      throw error;
    }
    return scoreOf(this.loop, this.rows, state.facts, state.facts.output.op, this.loss);
  }

  /**
   * Goes back to a checkpoint and tries what may mend a finding, its own advice before all else; the run goes on from there
   * with the first repair that clearly helps or takes the fault away at no cost, or else with the best one, or from where it is
   * now if none helps.
   */
  async repair(
    finding: Finding,
    state: Case,
    back: Checkpoint,
    cures: () => Promise<number | undefined>,
    thorough: boolean,
  ): Promise<RepairRecord[]> {
    const { loop } = this;
    const now = await loop.save();
    const records: RepairRecord[] = [];
    const advised = finding.advice.flatMap(({ repair }) => (repair !== "stopEarly" ? [repair as Mending] : []));
    const others = general.filter((name) => !advised.includes(name));
    try {
      loop.restore(back);
      const without = await this.trial(state);
      for (const candidates of thorough ? [advised, others] : [advised]) {
        loop.restore(back);
        if (await this.tryAll(candidates, { finding, state, back, without, cures, step: now.at }, records))
          return records;
      }
      loop.restore(now);
    } catch (error) {
      // Aborted, say: what was being tried is taken back.
      undoAll(this.undos)();
      loop.restore(now);
      throw error;
    } finally {
      this.undos = [];
    }
    return records;
  }

  /** Whether one of the candidates stays. */
  private async tryAll(candidates: readonly Mending[], task: Task, records: RepairRecord[]): Promise<boolean> {
    const { loop } = this;
    let best: { name: Mending; times: number; index: number; gain: number } | undefined;
    for (const name of candidates) {
      const tried = await this.attempt(name, task);
      if (!tried) continue;
      records.push({ step: task.step, ...tried.record });
      if (tried.gain >= clear || tried.heals) {
        keep(records, records.length - 1);
        return true;
      }
      if (tried.gain >= some && tried.gain > (best?.gain ?? 0))
        best = { name, times: tried.times, index: records.length - 1, gain: tried.gain };
      undoAll(this.undos)();
      this.undos = [];
      loop.restore(task.back);
    }
    if (!best) return false;
    for (let i = 0; i < best.times; i++) this.apply(best.name, task);
    keep(records, best.index);
    return true;
  }

  private apply(name: Mending, { finding, state }: Task): Applied | undefined {
    return repairs[name].apply({ loop: this.loop, sample: this.sample, ...state }, finding);
  }

  /** Makes one repair, more than once if that helps more, and leaves the run as it would begin with it. */
  private async attempt(name: Mending, task: Task) {
    const { loop, length } = this;
    const { finding, state, back, without } = task;
    let best:
      | { times: number; score: Score; applied: Applied; fresh: Checkpoint; cured: number | undefined }
      | undefined;
    const most = repairs[name].again ? 4 : 1;
    for (let times = 1; times <= most; times++) {
      const applied = this.apply(name, task);
      if (!applied) break;
      this.undos.push(applied.undo);
      const fresh = await loop.save();
      const cured = await task.cures();
      const score = await this.trial(state);
      const step = gain(best?.score ?? without, score);
      if (best && step < some) {
        applied.undo();
        this.undos.pop();
        break;
      }
      best = { times, score, applied, fresh, cured };
      if (step <= 0) break;
      loop.restore(fresh);
    }
    if (!best) return undefined;
    loop.restore(best.fresh);
    const { did, code } = best.applied;
    const record: Omit<RepairRecord, "step"> = {
      ...{ backTo: back.at, finding, repair: name, did, code, outcome: "undone" },
      trial: { steps: length, without: without.loss, with: best.score.loss },
    };
    return {
      record,
      heals: heals(best.cured, best.score, gain(without, best.score)),
      times: best.times,
      gain: gain(without, best.score),
    };
  }
}

/** Whether the fault is gone and the run learns: no worse than before, or at least better than where it now begins. */
const heals = (cured: number | undefined, { loss }: Score, better: number): boolean =>
  cured !== undefined && (better > -bearable || loss < 0.97 * cured);

const keep = (records: RepairRecord[], index: number): void => {
  records[index] = { ...records[index], outcome: "kept" };
};
