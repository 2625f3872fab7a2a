/** From scores and findings to figures: what counts as a fault, as an alarm, as the right name and as a repair. */
import type { Finding } from "../../lib/health/finding.js";
import { meanOf } from "../experiments/verdict.js";
import type { Diagnosis, Mended } from "./doctor.js";
import { faultNamed } from "./faults/index.js";
import type { Published } from "./looks.js";
import type { Searched } from "./search.js";
import { type RunSpec, stepsOf } from "./spec.js";
import type { FaultyRun, HealthyRun } from "./zoo.js";

/** Points of score that make a difference. */
export const margin = 5;

/** The scores of a faulty run and of its repaired twin, one for each seed. */
export interface FaultyOutcome {
  readonly run: FaultyRun;
  readonly spoiled: readonly number[];
  readonly repaired: readonly number[];
}

/** What a repaired run reaches more than the faulty one, in points. */
export const harmOf = ({ spoiled, repaired }: FaultyOutcome): number => meanOf(repaired) - meanOf(spoiled);

/** A run counts as faulty if, over the seeds, it stays 5 points or more below what its repaired twin reaches. */
export const isFault = (outcome: FaultyOutcome): boolean => harmOf(outcome) >= margin;

export interface HealthyOutcome {
  readonly run: HealthyRun;
  readonly scores: readonly number[];
  /** Mean over the seeds of the best that chance repairs found. */
  readonly best: number;
}

/** What an answer scores that ignores the input. */
const constantScore = ({ data: { classes } }: RunSpec): number => (classes ? 100 / classes : 0);

/**
 * A run counts as healthy if chance repairs find nothing that is more than 5 points better, and if with every seed it gets
 * at least halfway from a constant answer to none wrong: where neither it nor chance learns, nothing is known.
 */
export const isHealthy = ({ run: { run }, scores, best }: HealthyOutcome): boolean =>
  meanOf(scores) >= best - margin && Math.min(...scores) >= (constantScore(run) + 100) / 2;

/** Place of the seed that a faulty run is judged by: that of its lowest score, for with another one the fault may not show. */
export const worstOf = (scores: readonly number[]): number => scores.indexOf(Math.min(...scores));

/** Everything about one faulty run: alarms with the seed of its lowest score, repairs with each seed. */
export interface FaultyCase extends FaultyOutcome {
  readonly diagnosis: Diagnosis;
  readonly published: Published;
  readonly mended: readonly Mended[];
  /** Undefined if chance was left out. */
  readonly searched: readonly Searched[] | undefined;
}

export interface HealthyCase extends HealthyOutcome {
  readonly diagnosis: Diagnosis;
  readonly published: Published;
}

/** Findings of severity `fault` are an alarm; warnings are not. */
export const alarmsOf = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter(({ severity }) => severity === "fault");

/** The first alarm: of the checkup if it gave one, else the first while training. */
export const firstAlarm = ({ before, during }: Diagnosis): Finding | undefined =>
  alarmsOf(before)[0] ?? alarmsOf(during)[0];

export const rightNames = ({ faults }: FaultyRun): ReadonlySet<string> =>
  new Set(faults.flatMap((name) => faultNamed(name).rules));

export function isNamedRight({ run, diagnosis }: Pick<FaultyCase, "run" | "diagnosis">): boolean {
  const first = firstAlarm(diagnosis);
  return first !== undefined && rightNames(run).has(first.rule);
}

/** Whether something short of other data or another program mends all that is wrong with a run. */
export const isMendable = ({ faults }: FaultyRun): boolean => faults.every((name) => faultNamed(name).mendable);

/**
 * Whether what repairs come to is no fault any more: its mean over the seeds stays less than 5 points below that of the
 * repaired twin. A single seed would not do: by that, some of the twins themselves would count as not repaired.
 */
export const isRepaired = (results: readonly { readonly score: number }[], { repaired }: FaultyOutcome): boolean =>
  meanOf(repaired) - meanScore(results) < margin;

export const meanScore = (results: readonly { readonly score: number }[]): number =>
  meanOf(results.map(({ score }) => score));

/** A share of cases; null of none. */
export function share<T>(cases: readonly T[], holds: (one: T) => boolean): number | null {
  return cases.length ? rounded(cases.filter(holds).length / cases.length) : null;
}

const rounded = (x: number): number => Number(x.toFixed(4));

/** How the faults of one kind fare. */
export interface KindFigures {
  readonly faults: number;
  readonly harmless: number;
  readonly recall: number | null;
  readonly beforeFirstStepRecall: number | null;
  readonly namedRight: number | null;
  readonly repaired: number | null;
  readonly repairedByRandomSearch: number | null;
  readonly accuracyGain: number | null;
}

function kindFigures(cases: readonly FaultyCase[], harmless: number): KindFigures {
  const recalled = cases.filter(({ diagnosis }) => firstAlarm(diagnosis));
  const mendable = cases.filter(({ run }) => isMendable(run));
  return {
    faults: cases.length,
    harmless,
    recall: share(cases, ({ diagnosis }) => firstAlarm(diagnosis) !== undefined),
    beforeFirstStepRecall: share(cases, ({ diagnosis }) => alarmsOf(diagnosis.before).length > 0),
    namedRight: share(recalled, isNamedRight),
    repaired: share(mendable, (one) => isRepaired(one.mended, one)),
    repairedByRandomSearch: mendable.some(({ searched }) => searched)
      ? share(mendable, (one) => isRepaired(one.searched ?? [], one))
      : null,
    accuracyGain: mendable.length
      ? Number(meanOf(mendable.map(({ mended, spoiled }) => meanScore(mended) - meanOf(spoiled))).toFixed(2))
      : null,
  };
}

interface BaselineFigures {
  readonly recall: number | null;
  readonly falseAlarmRate: number | null;
}

/** The object that the bench prints. */
export interface Figures extends Omit<KindFigures, "faults" | "harmless"> {
  readonly precision: number | null;
  readonly falseAlarmRate: number | null;
  readonly overheadPercent: number | null;
  /** By the seed of the lowest faulty score alone: of the repaired runs, and of their twins, so what chance leaves of 100 %. */
  readonly repairedWithWorstSeed: number | null;
  readonly twinsWithWorstSeed: number | null;
  /** Of all faults, also those that only other data or another program could mend. */
  readonly repairedOfAll: number | null;
  /** Steps made with repairs, trials among them, for every step of the run as written: the mean over the faults. */
  readonly repairSteps: number | null;
  readonly counts: {
    readonly faults: number;
    readonly mendable: number;
    readonly harmless: number;
    readonly healthy: number;
    readonly notHealthy: number;
  };
  readonly baselines: Readonly<Record<keyof Published, BaselineFigures>>;
  readonly perFault: Readonly<Record<string, KindFigures>>;
}

/** What a fault is counted under: its kind, or `pair`. */
export const kindOf = ({ faults }: FaultyRun): string => (faults.length > 1 ? "pair" : faults[0]);

/**
 * The figures of faulty and healthy cases.
 * @param left runs that are neither: faults without harm, and healthy runs that could do better
 */
export function judge(
  faulty: readonly FaultyCase[],
  healthy: readonly HealthyCase[],
  left: { harmless: readonly FaultyOutcome[]; notHealthy: number },
  overheadPercent: number | null,
): Figures {
  const { faults, harmless, ...all } = kindFigures(faulty, left.harmless.length);
  const mendable = faulty.filter(({ run }) => isMendable(run));
  const caught = faulty.filter(({ diagnosis }) => firstAlarm(diagnosis)).length;
  const false_ = healthy.filter(({ diagnosis }) => firstAlarm(diagnosis)).length;
  const kinds = [...new Set([...faulty, ...left.harmless].map(({ run }) => kindOf(run)))];
  const baseline = (name: keyof Published): BaselineFigures => ({
    recall: share(faulty, ({ published }) => published[name] !== null),
    falseAlarmRate: share(healthy, ({ published }) => published[name] !== null),
  });
  return {
    recall: all.recall,
    precision: caught + false_ ? rounded(caught / (caught + false_)) : null,
    falseAlarmRate: share(healthy, ({ diagnosis }) => firstAlarm(diagnosis) !== undefined),
    namedRight: all.namedRight,
    beforeFirstStepRecall: all.beforeFirstStepRecall,
    repaired: all.repaired,
    repairedByRandomSearch: all.repairedByRandomSearch,
    accuracyGain: all.accuracyGain,
    overheadPercent,
    repairedWithWorstSeed: share(mendable, (one) => isRepaired([one.mended[worstOf(one.spoiled)]], one)),
    twinsWithWorstSeed: share(mendable, (one) => isRepaired([{ score: one.repaired[worstOf(one.spoiled)] }], one)),
    repairedOfAll: share(faulty, (one) => isRepaired(one.mended, one)),
    repairSteps: faulty.length
      ? Number(
          meanOf(faulty.flatMap(({ mended, run }) => mended.map((m) => m.steps / stepsOf(run.spoiled)))).toFixed(2),
        )
      : null,
    counts: {
      faults,
      mendable: mendable.length,
      harmless,
      healthy: healthy.length,
      notHealthy: left.notHealthy,
    },
    baselines: { autotrainer: baseline("autotrainer"), sagemaker: baseline("sagemaker") },
    perFault: Object.fromEntries(
      kinds.map((kind) => {
        const of = ({ run }: { run: FaultyRun }): boolean => kindOf(run) === kind;
        return [kind, kindFigures(faulty.filter(of), left.harmless.filter(of).length)];
      }),
    ),
  };
}
