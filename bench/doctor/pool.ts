/** Worker processes that share the zoo's work, and the answers that are kept from one run of the bench to the next. */
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "../paths.js";
import { madeBy, type Work } from "./work.js";
import type { Answer } from "./worker.js";

const here = (name: string): string => fileURLToPath(new URL(`./${name}.js`, import.meta.url));

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 24);

/** Under build/bench unless BENCH_RESULTS names a folder. */
const folder = process.env.BENCH_RESULTS ?? build("doctor");

/** Answers by what was asked and by the code that answered. */
class Kept {
  private readonly file = join(folder, "kept.jsonl");
  private readonly answers = new Map<string, unknown>();
  private readonly code = new Map<string, string>();

  constructor(fresh: boolean) {
    if (fresh) rmSync(this.file, { force: true });
    const lines = existsSync(this.file) ? readFileSync(this.file, "utf8").split("\n") : [];
    for (const line of lines.filter(Boolean)) {
      const [key, answer] = JSON.parse(line) as [string, unknown];
      this.answers.set(key, answer);
    }
  }

  /** Undefined for work whose answers are not kept. */
  keyOf(kind: keyof Work, args: readonly unknown[]): string | undefined {
    const modules = madeBy[kind];
    if (!modules) return undefined;
    const code = this.code.get(kind) ?? hash(modules.map((name) => readFileSync(here(name), "utf8")).join());
    this.code.set(kind, code);
    return hash(JSON.stringify([kind, code, args]));
  }

  get(key: string): unknown {
    return this.answers.get(key);
  }

  add(key: string, answer: unknown): void {
    mkdirSync(folder, { recursive: true });
    appendFileSync(this.file, `${JSON.stringify([key, answer])}\n`);
    this.answers.set(key, answer);
  }
}

interface Job {
  readonly kind: keyof Work;
  readonly args: readonly unknown[];
  readonly done: (answer: unknown) => void;
  readonly failed: (error: Error) => void;
}

export class Pool {
  private readonly kept: Kept;
  private readonly waiting: Job[] = [];
  private readonly processes: ChildProcess[];

  /**
   * @param size processes
   * @param threads compute threads of each
   * @param fresh forgets what was kept
   */
  constructor(size: number, threads: number, fresh = false) {
    this.kept = new Kept(fresh);
    const env = { ...process.env, EVENGRAD_THREADS: `${threads}` };
    this.processes = Array.from({ length: size }, () => fork(here("worker"), { env, serialization: "advanced" }));
    this.idle = [...this.processes];
  }

  private readonly idle: ChildProcess[];

  /** Has work done, unless its answer is known. */
  async ask<K extends keyof Work>(kind: K, ...args: Parameters<Work[K]>): Promise<Awaited<ReturnType<Work[K]>>> {
    const key = this.kept.keyOf(kind, args);
    const known = key === undefined ? undefined : this.kept.get(key);
    if (known !== undefined) return known as Awaited<ReturnType<Work[K]>>;
    const answer = await new Promise((done, failed) => {
      this.waiting.push({ kind, args, done, failed });
      this.dispatch();
    });
    if (key !== undefined) this.kept.add(key, answer);
    return answer as Awaited<ReturnType<Work[K]>>;
  }

  private dispatch(): void {
    while (this.waiting.length > 0 && this.idle.length > 0) {
      this.give(this.idle.pop() as ChildProcess, this.waiting.shift() as Job);
    }
  }

  private give(child: ChildProcess, { kind, args, done, failed }: Job): void {
    const settle = (): void => {
      child.off("message", answered);
      child.off("exit", ended);
    };
    const answered = (reply: Answer): void => {
      settle();
      this.idle.push(child);
      if ("answer" in reply) done(reply.answer);
      else failed(new Error(`${kind} failed: ${reply.failure}`));
      this.dispatch();
    };
    const ended = (code: number | null, signal: string | null): void => {
      settle();
      failed(new Error(`${kind}: a worker ended with ${signal ?? code} at ${JSON.stringify(args)}`));
    };
    child.on("message", answered);
    child.on("exit", ended);
    child.send({ kind, args });
  }

  end(): void {
    for (const child of this.processes) child.disconnect();
  }
}
