/** A stream of random choices that a name fixes: the zoo is the same on every machine. */
import { createHash } from "node:crypto";
import { philox } from "../../lib/ops/philox.js";

export class Random {
  private readonly key: number[];
  private block = 0;
  private words: number[] = [];

  /** @param name equal names, equal streams */
  constructor(readonly name: string) {
    const digest = createHash("sha256").update(name).digest();
    this.key = [0, 4, 8, 12].map((at) => digest.readUInt32LE(at));
  }

  /** A stream of its own. */
  fork(name: string): Random {
    return new Random(`${this.name}/${name}`);
  }

  /** From 0 up to but without 1. */
  uniform(low = 0, high = 1): number {
    if (this.words.length === 0) this.words = [...philox(this.key, this.block++)];
    return low + ((this.words.pop() as number) / 2 ** 32) * (high - low);
  }

  /** Uniform on a logarithmic scale. */
  scale(low: number, high: number): number {
    return low * (high / low) ** this.uniform();
  }

  /** A whole number, both ends included. */
  integer(low: number, high: number): number {
    return low + Math.floor(this.uniform() * (high - low + 1));
  }

  /** Box–Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  chance(p: number): boolean {
    return this.uniform() < p;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.integer(0, from.length - 1)];
  }

  /** The numbers 0 to n − 1 in random order. */
  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let last = n - 1; last > 0; last--) {
      const at = this.integer(0, last);
      [order[last], order[at]] = [order[at], order[last]];
    }
    return order;
  }
}
