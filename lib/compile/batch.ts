/**
 * Pass: neighbouring calls of one micro-program, each over buffers of its own, become one call: an optimizer updates all
 * parameters at once.
 */
import { bytesOf } from "../dtype.js";
import { sameShape, sizeOf } from "../shape.js";
import { chainOf, isNumber } from "./chain.js";
import { type Call, type Place, type Plan, placeOf, type Step } from "./plan.js";

const show = ({ kind, at, dtype }: Place): string => `${kind} ${at} ${dtype}`;

/** Text that is equal for calls that one plan of the kernel serves, or undefined for what it cannot serve. */
function keyOf(call: Call): string | undefined {
  const { members } = call.group;
  const { shape } = members[0];
  const lanes = (place: Place): boolean => bytesOf(place.dtype) === 4;
  if (members[0].op.kind !== "map" || sizeOf(shape) < 2 || !call.to.every(lanes)) return undefined;
  const { reads, immediates, micros, outputs } = chainOf(call.group);
  const inputs = reads.map((x) => {
    const place = placeOf(call, x);
    if (isNumber(x)) return show(place);
    return sameShape(x.shape, shape) && lanes(place) ? place.dtype : undefined;
  });
  if (inputs.includes(undefined)) return undefined;
  const numbers = immediates.map((x) => (Object.is(x, -0) ? "-0" : `${x}`));
  const steps = micros.map(({ name, operands }) => `${name} ${operands}`);
  return [inputs, numbers, steps, outputs, call.to.map((place) => place.dtype)].map((x) => x.join(";")).join("|");
}

/** Blocks, by what overlaps them. */
class Blocks {
  private readonly slots = new Set<number>();
  private readonly arena: Place[] = [];

  add(place: Place): void {
    if (place.kind === "slot") this.slots.add(place.at);
    else this.arena.push(place);
  }

  meets(place: Place): boolean {
    const end = (p: Place): number => p.at + p.count * bytesOf(p.dtype);
    if (place.kind === "slot") return this.slots.has(place.at);
    return this.arena.some((p) => p.at < end(place) && place.at < end(p));
  }
}

/** Calls of one key that may run in any order, or at the same time. */
class Batch {
  private readonly read = new Blocks();
  private readonly written = new Blocks();
  readonly calls: Call[] = [];

  constructor(readonly key: string) {}

  /** Adds a call, unless it reads or writes what another writes, or writes what another reads. */
  take(call: Call): boolean {
    const meets = (blocks: Blocks, places: readonly Place[]): boolean => places.some((place) => blocks.meets(place));
    if (meets(this.written, [...call.from, ...call.to]) || meets(this.read, call.to)) return false;
    for (const place of call.from) this.read.add(place);
    for (const place of call.to) this.written.add(place);
    this.calls.push(call);
    return true;
  }
}

/** The same program with fewer calls. */
export function batch(plan: Plan): Plan {
  const steps: Step[] = [];
  let open: Batch | undefined;
  const close = (): void => {
    if (open) steps.push({ ...open.calls[0], others: open.calls.slice(1) });
    open = undefined;
  };
  for (const step of plan.steps) {
    const key = step.group && keyOf(step);
    if (step.group && key !== undefined) {
      if (open?.key === key && open.take(step)) continue;
      close();
      open = new Batch(key);
      open.take(step);
    } else {
      close();
      steps.push(step);
    }
  }
  close();
  return { ...plan, steps };
}
