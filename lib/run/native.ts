/** The native executor: compiles graphs, binds their data and runs them off the event loop. */
import type { Encoded, Opcodes } from "../compile/encode.js";
import type { Graph, Leaf } from "../compile/graph.js";
import { compile, type Program } from "../compile/index.js";
import { arrayOf, dtypes, type TypedArray } from "../dtype.js";
import { EvengradError, fail, internal } from "../error.js";
import { type Constant, type Feed, Variable } from "../tensor.js";
import { type Addon, addon, type NativeProgram } from "./addon.js";
import { ProgramCache } from "./cache.js";
import { debugging } from "./debug.js";
import { allocatedBytes, type Executor, type Prepared, type RunOptions, type RunResult } from "./executor.js";
import { lock, unlock } from "./lock.js";
import { reportAtExit } from "./profile.js";

/** Numbers of the kernels' names, as the addon lists them: nobody types an opcode. */
function opcodesOf(native: Addon): Opcodes {
  const table = (kind: string, names: readonly string[]): ((name: string) => number) => {
    const numbers = new Map(names.map((name, i) => [name, i]));
    return (name) =>
      numbers.get(name) ?? internal(`the addon has no ${kind} ${name}; it does not belong to this version`);
  };
  return {
    kernel: table("kernel", native.kernels()),
    map: table(
      "elementwise op",
      native.mapOps().map((op) => op.name),
    ),
    reduce: table("reduction", native.reduceOps()),
  };
}

/** What a run needs of a program, which the addon has a copy of. */
interface Compiled {
  readonly program: Pick<Program, "arenaBytes" | "labels" | "outputs" | "written">;
  readonly handle: NativeProgram;
}

class NativeExecutor implements Executor {
  readonly name = "native";
  private readonly native = addon();
  private readonly opcodes = opcodesOf(this.native);
  private readonly cache = new ProgramCache<Compiled>();

  prepare(graph: Graph): Prepared {
    const compiled = this.cache.get(graph, () => {
      const [shown, profiled] = [debugging("program"), debugging("profile")];
      const program = compile(graph, this.opcodes, shown || profiled);
      const handle = this.create(program);
      if (shown) console.error(program.listing.join("\n"));
      if (profiled) reportAtExit(program.listing, handle);
      const { arenaBytes, labels, outputs, written } = program;
      return { program: { arenaBytes, labels, outputs, written }, handle };
    });
    return new PreparedNative(graph, compiled, this);
  }

  allocate(dtype: (typeof dtypes)[number], count: number): TypedArray {
    return this.native.alignedArray(dtypes.indexOf(dtype), count);
  }

  private create(program: Encoded): NativeProgram {
    try {
      const { slots, arenaBytes, buffers, code } = program;
      return this.native.createProgram({ slots, arenaBytes, buffers, code, profile: debugging("profile") });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (message.startsWith("out of memory: ")) fail("run", message);
      throw error;
    }
  }
}

/** What a failed run reports beside its message. */
interface RunFailure extends Error {
  instruction?: number;
  step?: number;
}

class PreparedNative implements Prepared {
  constructor(
    private readonly graph: Graph,
    private readonly compiled: Compiled,
    private readonly executor: NativeExecutor,
  ) {}

  get arenaBytes(): number {
    return this.compiled.program.arenaBytes;
  }

  async run({ steps = 1, feeds, signal }: RunOptions = {}): Promise<RunResult> {
    const { graph, compiled } = this;
    if (signal?.aborted)
      return { steps: 0, outputs: graph.outputs.map((t) => new (arrayOf(t.dtype))(0) as TypedArray) };
    const { leaves } = graph;
    const { program } = compiled;
    const outputs: TypedArray[] = [];
    for (const { dtype, count } of program.outputs) outputs.push(this.output(dtype, steps * count));
    const arrays = arraysOf(leaves, feeds, outputs);
    const strides = stridesOf(leaves, feeds, program.outputs);
    const writes = writtenOf(leaves, program.written);
    lock(writes);
    try {
      const { promise, abort } = start(compiled.handle, arrays, strides, steps);
      signal?.addEventListener("abort", abort, { once: true });
      try {
        return { steps: await promise, outputs };
      } finally {
        signal?.removeEventListener("abort", abort);
      }
    } catch (error) {
      throw this.explain(error as RunFailure);
    } finally {
      unlock(writes);
    }
  }

  private output(dtype: (typeof dtypes)[number], count: number): TypedArray {
    try {
      return count * 4 < allocatedBytes
        ? (new (arrayOf(dtype))(count) as TypedArray)
        : this.executor.allocate(dtype, count);
    } catch (error) {
      return fail(
        "run",
        `the result's ${count} elements do not fit in memory (${(error as Error).message}). Use smaller tensors`,
      );
    }
  }

  /** Names the op behind a failed instruction, and the user's line if it was traced. */
  private explain(error: RunFailure): Error {
    if (error.instruction === undefined) return error;
    const { name, made } = this.compiled.program.labels[error.instruction] ?? { name: "run", made: undefined };
    const where = made ? `\n    made at:\n${made.split("\n").slice(1).join("\n")}` : "";
    return new EvengradError(name, `${error.message}${where}`, error.step);
  }
}

function start(handle: NativeProgram, arrays: readonly TypedArray[], strides: Float64Array, steps: number) {
  const run = handle.bind(arrays, strides).run(steps);
  return { promise: run.promise, abort: () => run.abort() };
}

/** What a program's slots are bound to: leaves, then outputs. */
function arraysOf(leaves: readonly Leaf[], feeds: RunOptions["feeds"], outputs: readonly TypedArray[]): TypedArray[] {
  const arrays: TypedArray[] = [];
  for (const leaf of leaves) arrays.push(feeds?.get(leaf as Feed) ?? valuesOf(leaf));
  for (const output of outputs) arrays.push(output);
  return arrays;
}

/** Elements from one step to the next in each of them. */
function stridesOf(leaves: readonly Leaf[], feeds: RunOptions["feeds"], outputs: Program["outputs"]): Float64Array {
  const strides = new Float64Array(leaves.length + outputs.length);
  for (let i = 0; i < leaves.length; i++) if (feeds?.has(leaves[i] as Feed)) strides[i] = leaves[i].size;
  for (let i = 0; i < outputs.length; i++) strides[leaves.length + i] = outputs[i].count;
  return strides;
}

function writtenOf(leaves: readonly Leaf[], slots: ReadonlySet<number>): Variable[] {
  const written: Variable[] = [];
  for (const slot of slots) {
    const leaf = leaves[slot];
    if (leaf instanceof Variable) written.push(leaf);
  }
  return written;
}

function valuesOf(leaf: Leaf): TypedArray {
  if (leaf instanceof Variable) return leaf.storage ?? internal(`variable ${leaf.label} has no value yet`);
  return (leaf as Constant | Feed).values;
}

let executor: NativeExecutor | undefined;

/** The native executor; throws if the addon is missing. */
export function native(): Executor {
  executor ??= new NativeExecutor();
  return executor;
}
