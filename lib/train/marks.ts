/** Where random streams stood before each step of a native call, so that steps that were not made draw nothing. */
import type { Generator } from "../ops/random.js";

type State = ReturnType<Generator["state"]>;

const equal = (a: State, b: State): boolean => a.seed === b.seed && a.drawn === b.drawn;

/** The states of generators at the beginning of each step. */
export class Marks {
  private readonly states: State[][] = [];
  private end: State[] = [];

  constructor(private readonly generators: readonly Generator[]) {}

  /** Called before a step draws. */
  mark(): void {
    this.states.push(this.generators.map((g) => g.state()));
  }

  /** Called when all steps of the call have drawn. */
  close(): void {
    this.end = this.generators.map((g) => g.state());
  }

  /** Takes back what all steps from one on have drawn, unless somebody else drew since. */
  restore(step: number): void {
    if (step >= this.states.length) return;
    for (const [i, generator] of this.generators.entries()) {
      if (this.end[i] && equal(generator.state(), this.end[i])) generator.restore(this.states[step][i]);
    }
  }
}
