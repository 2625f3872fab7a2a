/** Learning-rate schedules: the factor on the learning rate at each step. */
import { checkNumber } from "../error.js";

/** From the step (0 is the first) and the number of steps in all, the factor on the optimizer's learning rate. */
export type Schedule = (step: number, total: number) => number;

/**
 * Down from 1 to `floor` along half a cosine (Loshchilov & Hutter 2017).
 * @example await fit(model, train, { loss: nn.crossEntropy, optimizer, schedule: optim.cosine() });
 */
export function cosine({ floor = 0 }: { floor?: number } = {}): Schedule {
  checkNumber("cosine", "floor", floor, { min: 0, max: 1 });
  return (step, total) => floor + ((1 - floor) * (1 + Math.cos((Math.PI * step) / Math.max(1, total)))) / 2;
}

/**
 * Down from 1 to `floor` along a line.
 * @example optim.linear()(3, 4) // 0.25
 */
export function linear({ floor = 0 }: { floor?: number } = {}): Schedule {
  checkNumber("linear", "floor", floor, { min: 0, max: 1 });
  return (step, total) => 1 - (1 - floor) * Math.min(1, step / Math.max(1, total));
}

/**
 * Times `factor` every `every` steps.
 * @example optim.stepDecay({ every: 100, factor: 0.5 })(250, 1000) // 0.25
 */
export function stepDecay({ every, factor = 0.1 }: { every: number; factor?: number }): Schedule {
  checkNumber("stepDecay", "every", every, { min: 1, integer: true });
  checkNumber("stepDecay", "factor", factor, { above: 0, max: 1 });
  return (step) => factor ** Math.floor(step / every);
}

/**
 * Up from nearly 0 over the first `steps`, then as the schedule that follows, or constant.
 * @example await fit(model, train, { loss: nn.crossEntropy, optimizer, schedule: optim.warmup(10, optim.cosine()) });
 */
export function warmup(steps: number, then: Schedule = () => 1): Schedule {
  checkNumber("warmup", "steps", steps, { min: 0, integer: true });
  return (step, total) => (step < steps ? (step + 1) / steps : then(step - steps, Math.max(1, total - steps)));
}
