/** TensorBoard's event files: records with checksums, each an Event message. */
import { promises as fs } from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { checkNumber, checkOptions, fail, show } from "../../error.js";
import { sum } from "../numbers.js";
import type { Histogram } from "../record.js";
import { crc32c, masked } from "./crc32c.js";
import { Message } from "./message.js";

/** Where the numbers of fields are from: tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto. */
const event = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const summaryValue = 1;
const value = { tag: 1, simpleValue: 2, histogram: 5 } as const;
const histo = { min: 1, max: 2, num: 3, sum: 4, sumSquares: 5, bucketLimit: 6, bucket: 7 } as const;
const sessionLog = { status: 1, start: 1 } as const;

/** Length, its checksum, the data and their checksum; numbers little-endian. */
function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(data.length + 16);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(masked(crc32c(bytes.subarray(0, 8))), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(masked(crc32c(data)), 12 + data.length);
  return bytes;
}

/** Bins as TensorBoard has them: upper bounds and counts, with sums as if all values lay in the middle of their bins. */
function histogramMessage({ min, max, counts }: Histogram): Message {
  const width = (max - min) / counts.length;
  const bins = width > 0 ? [...counts] : [sum(counts)];
  const limits = bins.map((_, i) => (i === bins.length - 1 ? max : min + (i + 1) * width));
  const moment = (power: number): number =>
    bins.reduce((all, count, i) => all + count * (min + (i + 0.5) * (max > min ? width : 0)) ** power, 0);
  return new Message()
    .double(histo.min, min)
    .double(histo.max, max)
    .double(histo.num, moment(0))
    .double(histo.sum, moment(1))
    .double(histo.sumSquares, moment(2))
    .doubles(histo.bucketLimit, limits)
    .doubles(histo.bucket, bins);
}

/** How an event file is written. */
export interface EventWriterOptions {
  /** Seconds since 1970, for the file's name and each event; the system's clock unless told. */
  clock?: () => number;
}

let files = 0;

/**
 * Writes scalars and histograms to an event file of its own in a folder, which `tensorboard --logdir` shows. Events wait in
 * memory until `flush` or `close`.
 * @example
 * const writer = new health.EventWriter("runs/first");
 * writer.scalar("loss", 0.5, 1);
 * await writer.close();
 */
export class EventWriter {
  /** Of the file, which is made by the first flush. */
  readonly path: string;
  private readonly clock: () => number;
  private pending: Uint8Array[] = [];
  private written: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(folder: string, options: EventWriterOptions = {}) {
    if (typeof folder !== "string" || folder === "")
      fail("EventWriter", `folder must be the path of a folder, got ${show(folder)}`);
    checkOptions("EventWriter", options, ["clock"]);
    this.clock = options.clock ?? (() => Date.now() / 1000);
    const seconds = `${Math.floor(this.clock())}`.padStart(10, "0");
    this.path = join(folder, `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${files++}`);
    this.add(new Message().double(event.wallTime, this.clock()).text(event.fileVersion, "brain.Event:2"));
  }

  /** One number at a step. */
  scalar(tag: string, number: number, step: number): void {
    if (typeof number !== "number")
      fail("EventWriter", `the scalar ${show(tag)} must be a number, got ${show(number)}`);
    this.summary(step, tag, (message) => message.float(value.simpleValue, number));
  }

  /** How values were spread at a step. One whose range is not finite is left out. */
  histogram(tag: string, histogram: Histogram, step: number): void {
    const { min, max, counts } = histogram;
    if (!Array.isArray(counts) || counts.length === 0)
      fail("EventWriter", `the histogram ${show(tag)} must have counts, got ${show(counts)}`);
    if (!Number.isFinite(min) || !Number.isFinite(max)) return;
    this.summary(step, tag, (message) => message.message(value.histogram, histogramMessage(histogram)));
  }

  /** Drops what was shown from a step on, as the run was set back to it. */
  restart(step: number): void {
    const log = new Message().whole(sessionLog.status, sessionLog.start);
    this.add(this.at(step).message(event.sessionLog, log));
  }

  private at(step: number): Message {
    checkNumber("EventWriter", "step", step, { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true });
    return new Message().double(event.wallTime, this.clock()).whole(event.step, step);
  }

  private summary(step: number, tag: string, fill: (message: Message) => Message): void {
    if (typeof tag !== "string" || tag === "") fail("EventWriter", `tag must be a name, got ${show(tag)}`);
    const summary = new Message().message(summaryValue, fill(new Message().text(value.tag, tag)));
    this.add(this.at(step).message(event.summary, summary));
  }

  private add(message: Message): void {
    if (this.closed) fail("EventWriter", `${this.path} must be open, got closed. Make another writer`);
    this.pending.push(record(message.encode()));
  }

  /**
   * Appends what waits to the file.
   * @throws if the folder or the file cannot be written
   */
  async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pending);
    this.pending = [];
    this.written = this.written.then(async () => {
      await fs.mkdir(dirname(this.path), { recursive: true });
      await fs.appendFile(this.path, bytes);
    });
    try {
      await this.written;
    } catch (error) {
      fail("EventWriter", `${this.path} must be writable, got: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** Appends what waits; nothing can be added any more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.flush();
  }
}
