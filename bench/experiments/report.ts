/** docs/experiments.md: what was expected, what was seen, with a picture for each experiment. */
import { mkdirSync, writeFileSync } from "node:fs";
import { bars } from "../../lib/chart/index.js";
import { markdownTable } from "../markdown.js";
import { source } from "../paths.js";
import type { Experiment } from "./experiment.js";
import { experiments } from "./index.js";
import { cells, head, seenText } from "./print.js";
import { type Kept, latest } from "./record.js";
import { verdictOn } from "./run.js";
import type { Verdict } from "./verdict.js";

/** Bars for the rows in the experiment's own unit: blue ones seen elsewhere, orange ones the package's own. */
function picture({ name, unit, trains }: Experiment, { rows }: Verdict): string {
  const shown = rows.filter((row) => row.unit === unit);
  return bars({
    title: name,
    x: { label: unit, min: trains ? 0 : undefined, max: trains ? 100 : undefined },
    bars: shown.map((row) => ({
      name: row.name,
      value: row.mean,
      note: seenText(row),
      range: row.expected?.range,
      colour: row.expected ? 0 : 1,
    })),
  });
}

function section(experiment: Experiment, kept: Kept): string {
  const verdict = verdictOn(experiment, kept);
  const file = `experiments/${experiment.name}.svg`;
  writeFileSync(source("docs", file), picture(experiment, verdict));
  const seeds = kept.outcomes[0].length;
  const data = experiment.trains ? `${kept.data}, ` : "";
  return [
    `## ${experiment.name}`,
    `${experiment.about}; ${experiment.unit}.`,
    `![${experiment.name}](${file})`,
    markdownTable(head, cells(experiment, verdict), 3),
    ...(experiment.note ? [experiment.note] : []),
    `${data}${seeds} seed${seeds > 1 ? "s" : ""}, ${kept.seconds.toFixed(0)} s.`,
  ].join("\n\n");
}

const intro = `# Experiments

Published results on initialization, repeated. Made by \`npm run -s experiments -- --report\`, which runs them all; with
names, it runs those and takes the others from their latest run.

A row holds if the mean over the seeds lies in the range given behind the published number; ± is the deviation of one
seed. Trainings are short and the networks deep, so seeds differ much, by tens of points for plain stacks, and the published
numbers do not tell their seeds: where the mean is outside of the range, but the published number is within two deviations
of what one more seed would give, it is "in spread", neither confirmed nor refuted. So are orderings "undecided" whose
means are the wrong way round, but within two standard errors of each other. The same recipes in PyTorch
(\`python3 bench/experiments/recipes.py\`) differ from seed to seed as much. The row \`init.auto\` is the
package's own choice and must be as good as the best other row, to one point. Networks train on Fashion-MNIST, pixels
standardized, batch 128; hidden biases begin with 0 and logits with variance 1 unless told. A network whose numbers are no
longer finite is counted at chance. In the pictures a bracket is the expected range.

Not repeated: the published network of two convolutions (92.2–92.5 %), since there are no convolutions yet, and the
accuracy of people (83.5 %).`;

/** Writes the page and its pictures from the latest runs. */
export function writeReport(): void {
  mkdirSync(source("docs", "experiments"), { recursive: true });
  const runs = experiments.flatMap((experiment) => {
    const kept = latest(experiment);
    return kept ? [{ experiment, kept }] : [];
  });
  const summary = runs.map(({ experiment, kept }) => {
    const { rows, ordered, holds } = verdictOn(experiment, kept);
    const judged = rows.filter((row) => row.holds !== undefined);
    const ordering =
      ordered === undefined ? "–" : { yes: "as published", undecided: "undecided", no: "differs" }[ordered];
    const count = `${judged.filter((row) => row.holds === "yes").length} of ${judged.length}`;
    const sure = ordered !== "undecided" && judged.every((row) => row.holds !== "in spread");
    return [
      `[${experiment.name}](#${experiment.name})`,
      experiment.about,
      ordering,
      count,
      holds ? (sure ? "yes" : "undecided") : "NO",
    ];
  });
  const machines = [...new Set(runs.map(({ kept }) => kept.machine))].join("; ");
  const seconds = runs.reduce((sum, { kept }) => sum + kept.seconds, 0);
  const three = runs.reduce((sum, { kept }) => sum + (3 * kept.seconds) / kept.outcomes[0].length, 0);
  const page = [
    intro,
    markdownTable(["", "", "ordering", "rows that hold", "holds"], summary, 3),
    `Measured on ${machines}: ${(seconds / 60).toFixed(0)} minutes in all; three seeds each, as without --seeds, are ${(three / 60).toFixed(0)}.`,
    ...runs.map(({ experiment, kept }) => section(experiment, kept)),
  ];
  writeFileSync(source("docs", "experiments.md"), `${page.join("\n\n")}\n`);
}
