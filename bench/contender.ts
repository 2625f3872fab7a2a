/** A process that does work and measures itself: ours or a peer's, asked in lines of JSON. */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Spec } from "./suite.js";

/** How a contender is started. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a contender answers: that it is ready, what it measured, or why neither. */
interface Answer {
  readonly ok?: true;
  /** With `ok`: what makes its work another than ours, where there are no results to compare. */
  readonly note?: string | null;
  readonly measured?: number;
  /** It does not do such work. */
  readonly unsupported?: string;
  readonly error?: string;
}

/** Set by some machines to tune OpenBLAS for another one; everyone runs as installed. */
const unset = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"];

function environment(threads: number, own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const counts = ["OMP", "OPENBLAS", "BLIS", "BENCH"].map((name) => [`${name}_NUM_THREADS`, `${threads}`]);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...Object.fromEntries(counts),
    EVENGRAD_THREADS: `${threads}`,
    ...own,
  };
  for (const name of unset) delete env[name];
  return env;
}

/** A contender that failed to answer or answered that it failed. */
export class ContenderError extends Error {}

/** A contender that does not do this kind of work. */
export class Unsupported extends Error {}

export class Contender {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private complaints = "";
  private closed = false;

  constructor(command: Command, threads: number) {
    this.child = spawn(command.program, command.args, { env: environment(threads, command.env) });
    this.child.stderr.on("data", (text) => {
      this.complaints = `${this.complaints}${text}`.slice(-2000);
    });
    this.child.on("error", (error) => {
      this.complaints += error.message;
    });
    this.child.stdin.on("error", () => {}); // a process that has ended is reported when it does not answer
    this.child.on("close", () => {
      this.closed = true;
    });
    this.lines = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  get alive(): boolean {
    return !this.closed;
  }

  /** Gets ready for work, does it once and writes its results to the file `out` of the spec, or returns why not. */
  async open(spec: Spec, limitMs: number): Promise<string | undefined> {
    return (await this.ask({ do: "open", ...spec }, limitMs)).note ?? undefined;
  }

  /** Works for at least `ms` and returns what it measured: seconds per call, unless the kind says otherwise. */
  async sample(ms: number, limitMs: number): Promise<number> {
    const { measured } = await this.ask({ do: "sample", ms }, limitMs);
    if (typeof measured !== "number" || !(measured >= 0)) throw new ContenderError(`measured ${measured}`);
    return measured;
  }

  end(): void {
    this.child.stdin.end();
    this.child.kill();
  }

  private async ask(request: object, limitMs: number): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ContenderError(`no answer within ${limitMs / 1000} s`)), limitMs);
    });
    try {
      this.child.stdin.write(`${JSON.stringify(request)}\n`);
      const answer = await Promise.race([this.answer(), late]);
      if (answer.unsupported !== undefined) throw new Unsupported(answer.unsupported);
      if (answer.error !== undefined) throw new ContenderError(answer.error);
      return answer;
    } catch (error) {
      if (!(error instanceof Unsupported)) this.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next line that is an answer; libraries may print others. */
  private async answer(): Promise<Answer> {
    for (;;) {
      const { value, done } = await this.lines.next();
      if (done) {
        const [last = "it ended"] = this.complaints.trim().split("\n").slice(-1);
        throw new ContenderError(last || "it ended");
      }
      if (value.startsWith("{")) return JSON.parse(value) as Answer;
    }
  }
}
