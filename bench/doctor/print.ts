/** The figures as a table, and for those who improve the doctor what it got wrong, run by run. */
import { explain, type Finding } from "../../lib/health/finding.js";
import { table } from "../../lib/table.js";
import { meanOf } from "../experiments/verdict.js";
import {
  alarmsOf,
  type FaultyCase,
  type FaultyOutcome,
  type Figures,
  firstAlarm,
  type HealthyCase,
  harmOf,
  isMendable,
  isNamedRight,
  isRepaired,
  rightNames,
} from "./judge.js";
import type { Overhead } from "./overhead.js";
import { describe } from "./spec.js";

const percent = (x: number | null): string => (x === null ? "" : `${(100 * x).toFixed(1)} %`);
const points = (x: number | null): string => (x === null ? "" : x.toFixed(1));

export function figuresTable(figures: Figures): string {
  const { counts, baselines, perFault, overheadPercent } = figures;
  const head = ["", "faults", "harmless", "recall", "at start", "named right", "repaired", "by chance", "gain"];
  const rows = Object.entries(perFault).map(([name, kind]) => [
    name,
    `${kind.faults}`,
    `${kind.harmless}`,
    ...[kind.recall, kind.beforeFirstStepRecall, kind.namedRight, kind.repaired, kind.repairedByRandomSearch].map(
      percent,
    ),
    points(kind.accuracyGain),
  ]);
  const { recall, beforeFirstStepRecall, namedRight, repaired, repairedByRandomSearch, accuracyGain } = figures;
  const all = [recall, beforeFirstStepRecall, namedRight, repaired, repairedByRandomSearch].map(percent);
  rows.push(["all", `${counts.faults}`, `${counts.harmless}`, ...all, points(accuracyGain)]);
  return [
    table([head, ...rows], { left: 1 }),
    "",
    `${counts.healthy} healthy runs (${counts.notHealthy} more could do better and do not count)`,
    `precision ${percent(figures.precision)}, false alarms ${percent(figures.falseAlarmRate)}`,
    `repaired: of ${counts.mendable} that can be mended; of all faults ${percent(figures.repairedOfAll)}; ${figures.repairSteps ?? 0} steps for each`,
    `by the seed of the lowest score alone ${percent(figures.repairedWithWorstSeed)}, of the twins themselves ${percent(figures.twinsWithWorstSeed)}`,
    ...(overheadPercent === null ? [] : [`overhead ${overheadPercent.toFixed(2)} %`]),
    ...Object.entries(baselines).map(
      ([name, b]) => `${name}: recall ${percent(b.recall)}, false alarms ${percent(b.falseAlarmRate)}`,
    ),
  ].join("\n");
}

export const overheadText = ({ runs }: Overhead): string =>
  Object.entries(runs)
    .map(
      ([
        name,
        {
          ms,
          percent: p,
          quartiles: [low, high],
        },
      ]) =>
        `  ${p.toFixed(2).padStart(6)} %, from ${low.toFixed(2)} to ${high.toFixed(2)} %; ${ms.toFixed(1)} ms  ${name}`,
    )
    .join("\n");

const scores = (values: readonly number[]): string => values.map((v) => v.toFixed(0)).join("/");

const indented = (text: string, by: string): string => text.replace(/^/gm, by);

const findingsText = (title: string, findings: readonly Finding[]): string[] =>
  findings.length
    ? [`    ${title}:`, ...findings.map((f) => indented(explain({ ...f, advice: f.advice.slice(0, 2) }), "      "))]
    : [];

function diagnosisText({ diagnosis }: Pick<FaultyCase, "diagnosis">): string[] {
  return [
    ...findingsText("checkup", diagnosis.before),
    ...findingsText("while training", diagnosis.during),
    ...diagnosis.errors.map((error) => `    ended with: ${error}`),
  ];
}

const caseTitle = ({ run, spoiled, repaired }: FaultyOutcome): string =>
  `  ${run.id}: ${describe(run.spoiled)}; scores ${scores(spoiled)}, repaired ${scores(repaired)}`;

function mendedText({ mended, searched = [] }: FaultyCase): string[] {
  return [
    ...mended.flatMap(({ score, steps, error, repairs }) => [
      `    with repair: ${score.toFixed(0)} after ${steps} steps${error ? `, ended with: ${error}` : ""}`,
      ...repairs.map(
        ({ rule, repair, did, outcome, step }) => `      step ${step} ${rule}: ${repair} ${outcome}: ${did}`,
      ),
    ]),
    ...searched.map(
      ({ score, names, trials }) =>
        `    by chance: ${score.toFixed(0)} with ${names.join(" and ") || "nothing"} of ${trials} trials`,
    ),
  ];
}

function section<T>(title: string, cases: readonly T[], text: (one: T) => readonly string[]): string {
  return [`${title} (${cases.length})`, ...cases.flatMap(text)].join("\n");
}

/** Everything that went wrong, with what was found, and the runs that turned out to have no fault. */
export function mistakes(
  faulty: readonly FaultyCase[],
  healthy: readonly HealthyCase[],
  harmless: readonly FaultyOutcome[],
): string {
  const missed = faulty.filter(({ diagnosis }) => !firstAlarm(diagnosis));
  const misnamed = faulty.filter((one) => firstAlarm(one.diagnosis) && !isNamedRight(one));
  const unmended = faulty.filter((one) => isMendable(one.run) && !isRepaired(one.mended, one));
  return [
    section("MISSED", missed, (one) => [
      caseTitle(one),
      `    wanted: ${[...rightNames(one.run)].join(", ")}`,
      ...diagnosisText(one),
    ]),
    section(
      "FALSE ALARMS",
      healthy.filter(({ diagnosis }) => firstAlarm(diagnosis)),
      (one) => [
        `  ${one.run.id}: ${describe(one.run.run)}; scores ${scores(one.scores)}, best found ${one.best.toFixed(0)}`,
        ...diagnosisText(one),
      ],
    ),
    section("WRONG NAME", misnamed, (one) => [
      caseTitle(one),
      `    first ${firstAlarm(one.diagnosis)?.rule}; wanted: ${[...rightNames(one.run)].join(", ")}`,
      ...diagnosisText(one),
    ]),
    section("NOT REPAIRED", unmended, (one) => [
      caseTitle(one),
      ...mendedText(one),
      `    alarms: ${[...alarmsOf(one.diagnosis.before), ...alarmsOf(one.diagnosis.during)].map((f) => f.rule).join(", ") || "none"}`,
    ]),
    section("HARMLESS", harmless, (one) => [`${caseTitle(one)}; ${harmOf(one).toFixed(1)} points`]),
  ].join("\n\n");
}

/** The scores of all runs, a line each: what the zoo is, before any doctor sees it. */
export const outcomesTable = (outcomes: readonly FaultyOutcome[]): string =>
  table(
    [
      ["fault", "severity", "faulty", "repaired", ""],
      ...outcomes.map(({ run, spoiled, repaired }) => [
        run.faults.join(" + "),
        run.severity,
        meanOf(spoiled).toFixed(1),
        meanOf(repaired).toFixed(1),
        describe(run.spoiled),
      ]),
    ],
    { left: 2 },
  );
