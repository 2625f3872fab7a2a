/** What may follow a training run from within: how the doctor, which is built on top of the loop, gets to see it. */
import type { TypedArray } from "../dtype.js";
import type { HealthRecord } from "../health/record.js";
import type { LayerTrace } from "../nn/trace.js";
import type { StepGraph } from "../optim/optimizer.js";
import type { Tensor } from "../tensor.js";
import type { HealthOptions } from "./fit.js";
import type { EpochRecord, History } from "./history.js";
import type { Loop } from "./loop.js";

/** The graph of one training step. */
export interface StepParts {
  readonly x: Tensor;
  readonly y: Tensor;
  readonly trace: LayerTrace;
  readonly loss: Tensor;
  readonly step: StepGraph;
}

/** Follows one run. It may change the run and set it back: `Loop.change`, `Loop.restore`. */
export interface Observer {
  /** Called once, before the first step. */
  begin(): Promise<void>;
  /** The next step, from this one on, that it wants to look at. */
  next(step: number): number;
  /** Called before each such step. */
  before(): void;
  /** What it wants to know of such a step, as tensors made from its graph. */
  instrument(parts: StepParts): readonly Tensor[];
  /** Called after each such step, with those tensors' values. */
  see(values: readonly TypedArray[]): Promise<void>;
  /** Called after each epoch; it may set the run back only if there was validation: else steps beyond it are made. */
  epochEnded(record: EpochRecord): Promise<void>;
  /** Called when a step was not finite and was not made; true if the run can go on. */
  failed(error: Error): Promise<boolean>;
  /** Called when all steps are made. */
  end(): Promise<void>;
  /** What it has to say of the run so far; becomes `history.health`. */
  record(): HealthRecord;
  /** Called with the history of the run, also of one that failed. */
  close(history: History): Promise<void>;
}

/** Makes the observer of a run that asks for `health`; told by `lib/health` when it is loaded. */
export type ObserverFactory = (loop: Loop, options: HealthOptions) => Promise<Observer>;

let factory: ObserverFactory | undefined;
let asked: () => HealthOptions | undefined = () => undefined;

/** @param unasked how runs are watched that say nothing of `health` */
export function observeWith(make: ObserverFactory, unasked: () => HealthOptions | undefined): void {
  factory = make;
  asked = unasked;
}

/** The observer of a run, if it asks for one. */
export async function observerOf(loop: Loop): Promise<Observer | undefined> {
  const health = loop.options.health ?? asked();
  return health ? factory?.(loop, health === true ? {} : health) : undefined;
}
