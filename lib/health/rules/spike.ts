/** Single steps far above the rest. */
import { deviation, mean } from "../numbers.js";
import { type Draft, type Rule, short } from "./rule.js";

export const spike: Rule = {
  name: "spike",
  source: "ten standard deviations of the losses around it; Chowdhery et al. 2022, § 5.1, on spikes",
  normal: "within 10 standard deviations of its neighbours",
  why: "A rare batch or a step too far: mostly the run recovers by itself.",
  repairs: ["clip"],
  watch({ losses, course }): Draft | undefined {
    if (losses.length < 60 || course.name !== "learning") return undefined;
    const near = losses.slice(-50);
    const most = Math.max(...near);
    if (most < 0.5 * course.first) return undefined;
    const at = near.indexOf(most);
    near.splice(at, 1);
    const [middle, sd] = [mean(near), deviation(near)];
    if (!(most > middle + 10 * sd)) return undefined;
    return {
      severity: "warning",
      measured: `a loss of ${short(most)} among ${short(middle)} ± ${short(sd)}`,
      value: (most - middle) / sd,
    };
  },
};
