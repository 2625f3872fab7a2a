/** A graph of one batch, traced once per batch size and run natively over many batches in one call, as it is or with more to read. */
import type { Request } from "../compile/graph.js";
import { arrayOf, type TypedArray } from "../dtype.js";
import { feed } from "../ops/index.js";
import type { Generator } from "../ops/random.js";
import { type Memory, memoryOf, type Prepared, prepare } from "../run/index.js";
import { Feed, type Tensor } from "../tensor.js";
import { Marks } from "./marks.js";

/** A native call should last about this long, so that progress and aborts come in time. */
const callMs = 50;
/** Most steps in one call, and so rows in its arrays. */
const maxSteps = 4096;

/** The graph of one batch. */
export interface BatchGraph extends Request {
  /** What some calls read beside its outputs, made of it when the first of them asks. */
  readonly beside?: () => readonly Tensor[];
}

/** A graph that is ready to run. */
interface Ready {
  readonly prepared: Prepared;
  /** Numbers that change from step to step, other than indices, in the order in which they were made. */
  readonly feeds: readonly Feed[];
}

/** What was traced for one size of batch. */
interface Traced {
  readonly indices: Feed;
  readonly graph: BatchGraph;
  /** With what is beside it, and without. */
  readonly ready: Map<boolean, Promise<Ready>>;
  /** The graph was made for the step to come: its feeds hold that step's numbers. */
  fresh: boolean;
}

/** What a call computed: one row per step of every output. */
export interface Rows {
  readonly steps: number;
  readonly outputs: readonly TypedArray[];
}

const rowsFor = ({ dtype, size }: Feed, count: number): TypedArray => new (arrayOf(dtype))(count * size) as TypedArray;

/** Runs a graph over batches of rows. */
export class Replay {
  private readonly traced = new Map<number, Traced>();
  private stepMs = Infinity;
  private marks = new Marks([]);
  /** What a step takes; of several graphs, the one that takes most. */
  memory: Memory | undefined;

  /**
   * @param build the graph of one batch from its indices, i32 (size)
   * @param advance called before each step but the one the graph was traced for
   * @param generators whose draws can be undone
   */
  constructor(
    private readonly build: (indices: Feed) => BatchGraph,
    private readonly advance: () => void = () => {},
    private readonly generators: readonly Generator[] = [],
  ) {}

  /** How many steps the next call should have. */
  get suggested(): number {
    return Math.max(1, Math.min(maxSteps, Math.floor(callMs / this.stepMs)));
  }

  /** Traces anew from now on: what the graph is built from may have changed. */
  forget(): void {
    this.traced.clear();
  }

  /**
   * Runs the graph once for each of `count` batches; all are of one size. Ends early when aborted.
   * @param next gives the next batch's indices, asked for just before the numbers of its step are drawn
   * @param beside whether to read what the graph offers beside its outputs
   */
  async run(count: number, next: () => Int32Array, signal?: AbortSignal, beside = false): Promise<Rows> {
    const marks = new Marks(this.generators);
    this.marks = marks;
    marks.mark();
    const first = next();
    const traced = this.trace(first, beside);
    const preparing = traced.ready.get(beside) ?? this.prepare(traced, beside);
    traced.ready.set(beside, preparing);
    const ready = await preparing;
    const feeds = this.fill(traced, ready, count, first, next, marks);
    marks.close();
    const began = performance.now();
    const { steps, outputs } = await ready.prepared.run({ steps: count, feeds, signal });
    if (!beside) this.stepMs = (performance.now() - began) / Math.max(1, steps);
    return { steps, outputs };
  }

  /** Takes back what the steps of the latest call drew from one on (counted from 0), for they were not made. */
  undo(step: number): void {
    this.marks.restore(step);
  }

  private trace(first: Int32Array, beside: boolean): Traced {
    const known = this.traced.get(first.length);
    if (known && (!beside || known.graph.beside)) return known;
    const indices = feed(() => first, [first.length], "i32");
    const traced = { indices, graph: this.build(indices), ready: new Map(), fresh: true };
    this.traced.set(first.length, traced);
    return traced;
  }

  private async prepare({ graph: own, indices }: Traced, beside: boolean): Promise<Ready> {
    const more = beside ? (own.beside?.() ?? []) : [];
    const request = { outputs: [...own.outputs, ...more], effects: own.effects };
    const { graph, prepared, leaves } = await prepare(request);
    const memory = memoryOf(graph, prepared);
    if (!this.memory || memory.peakBytes > this.memory.peakBytes) this.memory = memory;
    const feeds: Feed[] = [];
    for (const leaf of leaves) if (leaf instanceof Feed && leaf !== indices) feeds.push(leaf);
    return { prepared, feeds };
  }

  private fill(
    traced: Traced,
    ready: Ready,
    count: number,
    first: Int32Array,
    next: () => Int32Array,
    marks: Marks,
  ): Map<Feed, TypedArray> {
    const indices = rowsFor(traced.indices, count);
    const feeds = new Map([[traced.indices, indices]]);
    for (const leaf of ready.feeds) feeds.set(leaf, rowsFor(leaf, count));
    for (let step = 0; step < count; step++) {
      if (step > 0) marks.mark();
      const batch = step === 0 ? first : next();
      if (!traced.fresh) this.advance();
      indices.set(batch, step * batch.length);
      for (const leaf of ready.feeds)
        feeds.get(leaf)?.set(traced.fresh ? leaf.values : leaf.produce(), step * leaf.size);
      traced.fresh = false;
    }
    return feeds;
  }
}
