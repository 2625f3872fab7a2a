/** It has learned something and then nothing more. */
import { mean } from "../numbers.js";
import { type Draft, type Rule, short } from "./rule.js";

export const plateau: Rule = {
  name: "plateau",
  source: "Prechelt 1998: progress below 1 % over a fifth of the run",
  normal: "a loss that still falls",
  why: "Progress has ended well above 0: a smaller rate goes deeper, a larger model further.",
  repairs: ["lowerRate", "warmUp"],
  watch({ course, losses, total }): Draft | undefined {
    if (course.name !== "learning" || losses.length < 0.6 * total || losses.length < 100) return undefined;
    const fifth = Math.floor(losses.length / 5);
    const [before, now] = [mean(losses.slice(-2 * fifth, -fifth)), mean(losses.slice(-fifth))];
    if (now < 0.99 * before || now < 0.3 * course.first) return undefined;
    return { severity: "warning", measured: `the loss stays at ${short(now)}`, value: now / before };
  },
};
