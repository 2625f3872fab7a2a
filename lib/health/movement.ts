/** How far a step moves weights, by numbers from all over them that are held against what they were. */
import type { Variable } from "../tensor.js";
import { evenly } from "./facts/sample.js";

/** So many numbers of a weight, at most: their root mean square is off by some percent. */
const most = 1024;

function take(from: ArrayLike<number>, places: Int32Array, values: Float32Array): void {
  for (let i = 0; i < places.length; i++) values[i] = from[places[i]];
}

/** Root mean square of the differences between noted values and those that are there now. */
function difference(now: ArrayLike<number>, places: Int32Array, values: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < places.length; i++) {
    const change = now[places[i]] - values[i];
    squares += change * change;
  }
  return Math.sqrt(squares / places.length);
}

interface Noted {
  readonly places: Int32Array;
  readonly values: Float32Array;
}

export class Movement {
  private readonly noted = new Map<Variable, Noted>();

  /** Notes where weights are; of those that have no values yet it knows nothing. */
  begin(weights: readonly Variable[]): void {
    for (const weight of weights) {
      const { storage } = weight;
      if (!storage) continue;
      const { places, values } = this.noted.get(weight) ?? this.add(weight);
      take(storage, places, values);
    }
  }

  private add(weight: Variable): Noted {
    const places = evenly(weight.size, most);
    const noted = { places, values: new Float32Array(places.length) };
    this.noted.set(weight, noted);
    return noted;
  }

  /** Root mean square of what a weight was changed by since; 0 for one that is not known. */
  of(weight: Variable): number {
    const { storage } = weight;
    const noted = this.noted.get(weight);
    return storage && noted ? difference(storage, noted.places, noted.values) : 0;
  }
}
