/** Peers written in C++: built on demand, where the system has their library. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { build, source } from "./paths.js";

/** A program from a source under bench/peers. */
export interface Driver {
  readonly source: string;
  /** Linked with the library of that name. */
  readonly libraries: readonly string[];
  /** Where Debian has it. */
  readonly debian?: string;
}

function compilerLine({ source: file, libraries }: Driver): { compiler: string; args: string[] } {
  const [compiler, ...args] = (process.env.CXX ?? "c++").split(" ");
  const flags = ["-std=c++17", "-O3", "-march=native", "-fopenmp", "-pthread", `-I${source("bench/peers")}`];
  return { compiler, args: [...args, ...flags, source("bench/peers", file), ...libraries.map((l) => `-l${l}`)] };
}

/** The program, built if its sources have changed; or why there is none. */
export function driver(name: string, wanted: Driver): { program: string } | { absent: string } {
  const { compiler, args } = compilerLine(wanted);
  const texts = [wanted.source, "driver.h"].map((file) => readFileSync(source("bench/peers", file)));
  const key = [compiler, ...args, ...texts].reduce((hash, part) => hash.update(part), createHash("sha256"));
  const program = build("drivers", `${name}-${key.digest("hex").slice(0, 12)}`);
  if (existsSync(program)) return { program };
  mkdirSync(build("drivers"), { recursive: true });
  const made = `${program}.${process.pid}`;
  try {
    execFileSync(compiler, [...args, "-o", made], { stdio: ["ignore", "ignore", "pipe"] });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: Buffer };
    const reason = `${stderr ?? message}`.match(/.*error.*|.*cannot find.*/)?.[0].trim() ?? message;
    const missing = /No such file|cannot find/.test(reason);
    return { absent: missing && wanted.debian ? `there is no ${wanted.debian} (${reason})` : `no driver: ${reason}` };
  }
  renameSync(made, program);
  return { program };
}
