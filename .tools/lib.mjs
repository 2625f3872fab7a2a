// What the tools share: paths, hashes, running a command.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { delimiter, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url)).replace(/[\\/]$/, "");
export const at = (...path) => join(root, ...path);

/** Every file at or under a path of the checkout, sorted, relative to the checkout. */
export function files(path) {
  if (!existsSync(at(path))) return [];
  if (!statSync(at(path)).isDirectory()) return [path];
  return readdirSync(at(path), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile())
    .map((e) => relative(root, join(e.parentPath ?? e.path, e.name)))
    .sort();
}

/** A hash of texts and of the names and contents of files. */
export function hash(texts, paths = []) {
  const h = createHash("sha256");
  for (const text of texts) h.update(`${text}\0`);
  for (const path of paths)
    h.update(`${path}\0`)
      .update(readFileSync(at(path)))
      .update("\0");
  return h.digest("hex");
}

export const read = (path) => (existsSync(at(path)) ? readFileSync(at(path), "utf8") : "");

/** Whether a program is on the PATH. */
export const onPath = (name) =>
  (process.env.PATH ?? "").split(delimiter).some((dir) => dir && existsSync(join(dir, name)));

/** The absolute script of a development dependency's command line. */
export function bin(name, command = name.split("/").at(-1)) {
  const entry = JSON.parse(readFileSync(at("node_modules", name, "package.json"), "utf8")).bin;
  return at("node_modules", name, typeof entry === "string" ? entry : entry[command]);
}

/** Runs a command; resolves to its exit code and, unless `stdio` is given, what it printed. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    });
    let output = "";
    child.stdout?.on("data", (d) => {
      output += d;
    });
    child.stderr?.on("data", (d) => {
      output += d;
    });
    child.on("error", (error) => resolve({ code: 127, output: `${command}: ${error.message}\n` }));
    child.on("close", (code, signal) => resolve({ code: code ?? 1, signal, output }));
  });
}

/** Runs a script of a development dependency with this Node. */
export const node = (script, args, options) => run(process.execPath, [script, ...args], options);

/** Runs a job per item, at most `limit` at a time; stops starting new ones after a failure. */
export async function pool(items, limit, job) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
      try {
        await job(item);
      } catch (error) {
        queue.length = 0;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failed = results.find((r) => r.status === "rejected");
  if (failed) throw failed.reason;
}

/** A failure whose message is all there is to say. */
export class Failure extends Error {}

/** Runs a tool's main function; prints a Failure's message alone. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}
