/** Where random streams stood before each step of a native call, so that steps that were not made draw nothing. */
import type { Generator } from "../ops/random.js";

type State = ReturnType<Generator["state"]>;

function stand(generators: readonly Generator[], states: readonly State[]): boolean {
  for (let i = 0; i < generators.length; i++) if (!generators[i].stands(states[i])) return false;
  return true;
}

const stateOf = (generator: Generator): State => generator.state();

/** The states of generators at the beginning of each step. Most steps draw nothing: they share the state before them. */
export class Marks {
  private readonly from: number[] = [];
  private readonly states: State[][] = [];
  private steps = 0;
  private end: State[] = [];

  constructor(private readonly generators: readonly Generator[]) {}

  /** Called before a step draws. */
  mark(): void {
    const last = this.states[this.states.length - 1];
    if (!last || !stand(this.generators, last)) {
      this.from.push(this.steps);
      this.states.push(this.generators.map(stateOf));
    }
    this.steps++;
  }

  /** Called when all steps of the call have drawn. */
  close(): void {
    this.end = this.generators.map(stateOf);
  }

  /** Takes back what all steps from one on have drawn, unless somebody else drew since. */
  restore(step: number): void {
    if (step >= this.steps) return;
    let at = this.from.length - 1;
    while (this.from[at] > step) at--;
    for (const [i, generator] of this.generators.entries()) {
      if (this.end[i] && generator.stands(this.end[i])) generator.restore(this.states[at][i]);
    }
  }
}
