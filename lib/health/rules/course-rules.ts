import { type Draft, percent, type Rule, short } from "./rule.js";

/** One answer for every row. */
export const collapse: Rule = {
  name: "collapse",
  source: "the most frequent answer against the most frequent label",
  normal: "answers as varied as the labels",
  why: "The model gives one answer whatever the input: the output ignores what comes before it.",
  repairs: ["reinitialize", "lowerRate", "normalize", "classWeights", "adaptiveOptimizer"],
  watch({ topClass, course, facts: { target } }): Draft | undefined {
    const counts = target.counts;
    if (topClass === undefined || !counts || course.name !== "stalled") return undefined;
    const frequent = Math.max(...counts) / counts.reduce((a, b) => a + b, 0);
    if (topClass < 0.98 || frequent > 0.9) return undefined;
    return { severity: "fault", measured: `${percent(topClass)} of the rows get the same answer`, value: topClass };
  },
};

/** No better than ignoring the input. */
export const stall: Rule = {
  name: "stall",
  source: "AUTOTRAINER's slow convergence; the entropy of the labels is the loss of an answer that ignores the input",
  normal: "a loss that falls",
  why: "The steps do not lower the loss: nothing that the input says has reached the output.",
  repairs: [
    "raiseRate",
    "reinitialize",
    "adaptiveOptimizer",
    "lowerRate",
    "normalize",
    "residual",
    "weakerDecay",
    "replaceActivation",
  ],
  watch({ course, losses, facts: { chance } }): Draft | undefined {
    if (course.name !== "stalled" && course.name !== "slow") return undefined;
    const beside = chance === undefined ? "" : `; ignoring the input gives ${short(chance)}`;
    return {
      severity: "fault",
      measured: `${losses.length} steps took the loss from ${short(course.first)} to ${short(course.recent)}${beside}`,
      value: course.recent / course.first,
    };
  },
};

/** Up and down. */
export const oscillation: Rule = {
  name: "oscillation",
  source: "AUTOTRAINER: peaks and troughs in a fifth of the epochs",
  normal: "a loss whose ups and downs are small beside itself",
  why: "Steps overshoot from one side of the valley to the other.",
  repairs: ["lowerRate", "clip", "adaptiveOptimizer", "normalize"],
  watch({ course }): Draft | undefined {
    if (course.name !== "oscillating") return undefined;
    return {
      severity: "fault",
      measured: `the loss is ${short(course.recent)} ± ${short(course.noise)}`,
      value: course.noise,
    };
  },
};

/** It has learned something and then nothing more. */
export const plateau: Rule = {
  name: "plateau",
  source: "Prechelt 1998: progress below 1 % over a fifth of the run",
  normal: "a loss that still falls",
  why: "Progress has ended well above 0: a smaller rate goes deeper, a larger model further.",
  repairs: ["lowerRate", "warmUp"],
  watch({ course, losses, total }): Draft | undefined {
    if (course.name !== "learning" || losses.length < 0.6 * total || losses.length < 100) return undefined;
    const fifth = Math.floor(losses.length / 5);
    const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    const [before, now] = [mean(losses.slice(-2 * fifth, -fifth)), mean(losses.slice(-fifth))];
    if (now < 0.99 * before || now < 0.3 * course.first) return undefined;
    return { severity: "warning", measured: `the loss stays at ${short(now)}`, value: now / before };
  },
};

/** Single steps far above the rest. */
export const spike: Rule = {
  name: "spike",
  source: "five standard deviations of the losses around it (Chowdhery et al. 2022, § 5.1, on spikes)",
  normal: "within 5 standard deviations of its neighbours",
  why: "A rare batch or a step too far: mostly the run recovers by itself.",
  repairs: ["clip"],
  watch({ losses, course }): Draft | undefined {
    if (losses.length < 60 || course.name !== "learning") return undefined;
    const near = losses.slice(-50);
    const [most, others] = [Math.max(...near), [...near].sort((a, b) => a - b).slice(0, -1)];
    const mean = others.reduce((a, b) => a + b, 0) / others.length;
    const sd = Math.sqrt(others.reduce((a, b) => a + (b - mean) ** 2, 0) / others.length);
    if (!(most > mean + 10 * sd) || most < 0.5 * course.first) return undefined;
    return {
      severity: "warning",
      measured: `a loss of ${short(most)} among ${short(mean)} ± ${short(sd)}`,
      value: (most - mean) / sd,
    };
  },
};

/** Batches that pull in different directions. */
export const gradientNoise: Rule = {
  name: "gradient-noise",
  source: "McCandlish et al. 2018: the noise scale trΣ/|G|² against the batch size",
  normal: "a noise scale below 100 × the batch size",
  why: "Most of each step is the chance of which rows were in the batch.",
  repairs: ["lowerRate"],
  watch: () => undefined,
};
