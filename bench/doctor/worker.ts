/** A process that does the zoo's work for another one: asked and answering by messages. */
import { type Work, work } from "./work.js";

export interface Request {
  readonly kind: keyof Work;
  readonly args: readonly unknown[];
}

export type Answer = { readonly answer: unknown } | { readonly failure: string };

process.on("message", async ({ kind, args }: Request) => {
  let reply: Answer;
  try {
    const does = work[kind] as (...args: readonly unknown[]) => Promise<unknown>;
    reply = { answer: await does(...args) };
  } catch (error) {
    reply = { failure: error instanceof Error ? `${error.stack}` : `${error}` };
  }
  process.send?.(reply);
});
process.on("disconnect", () => process.exit());
