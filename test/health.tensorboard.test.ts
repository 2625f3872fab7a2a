/** Event files: byte for byte what TensorBoard's own writer makes, and what a run tells it. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EventWriter, tensorboard, writeSample } from "../lib/health/index.js";
import type { Histogram } from "../lib/health/record.js";
import { crc32c, masked } from "../lib/health/tensorboard/crc32c.js";
import { rejection } from "./training.js";
import { watched } from "./watched.js";

const folder = mkdtempSync(join(tmpdir(), "evengrad-events-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Call = ["scalar", string, number, number] | ["histogram", string, Histogram, number] | ["restart", number];
const fixture = JSON.parse(readFileSync(join(import.meta.dirname, "fixtures/events.json"), "utf8")) as {
  calls: Call[];
  file: string;
};

function make(writer: EventWriter, [kind, ...rest]: Call): void {
  (writer[kind] as (...args: unknown[]) => void)(...rest);
}

/** Records of a file, by a reader that knows nothing of the writer; a checksum that is wrong throws. */
function recordsOf(path: string): Buffer[] {
  const bytes = readFileSync(path);
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    for (const [part, crc] of [
      [bytes.subarray(at, at + 8), bytes.readUInt32LE(at + 8)],
      [data, bytes.readUInt32LE(at + 12 + length)],
    ] as const)
      if (bitwise(part) !== crc) throw new Error(`a wrong checksum at ${at}`);
    records.push(data);
    at += length + 16;
  }
  return records;
}

/** The masked CRC-32C, bit by bit. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x82f63b78n : crc >> 1n;
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | ((crc << 17n) & 0xffffffffn)) + 0xa282ead8n) & 0xffffffffn);
}

/** The fields of a message by their numbers: whole numbers, or the bytes of all else. */
function fieldsOf(bytes: Buffer): Map<number, number | Buffer> {
  const fields = new Map<number, number | Buffer>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const read = [varint, () => take(8), () => take(varint()), undefined, undefined, () => take(4)][key & 7];
    if (!read) throw new Error(`no such type: ${key & 7}`);
    fields.set(key >> 3, read());
  }
  return fields;
}

/** Values of each tag: of scalars their numbers, of histograms how many values they count. */
function valuesOf(path: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  for (const record of recordsOf(path)) {
    const summary = fieldsOf(record).get(5);
    if (summary === undefined) continue;
    const value = fieldsOf(fieldsOf(summary as Buffer).get(1) as Buffer);
    const [tag, simple, histo] = [1, 2, 5].map((field) => value.get(field) as Buffer);
    const number = simple ? simple.readFloatLE() : (fieldsOf(histo).get(3) as Buffer).readDoubleLE();
    found.set(`${tag}`, [...(found.get(`${tag}`) ?? []), number]);
  }
  return found;
}

test("CRC-32C has the values of RFC 3720, B.4", () => {
  const up = Uint8Array.from({ length: 32 }, (_, i) => i);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  expect(crc32c(up)).toBe(0x46dd794e);
  expect(crc32c(up.map((_, i) => 31 - i))).toBe(0x113fdb5c);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  expect(masked(crc32c(up))).toBe(bitwise(up));
});

describe("EventWriter", () => {
  /** A writer whose events are a quarter of a second apart; its name takes the first tick. */
  function writer(to = folder): EventWriter {
    let tick = -1;
    return new EventWriter(to, { clock: () => 1_700_000_000 + Math.max(0, tick++) / 4 });
  }

  test("makes the bytes that TensorBoard's own writer makes", async () => {
    const events = writer();
    for (const call of fixture.calls) make(events, call);
    await events.close();
    expect(readFileSync(events.path).toString("base64")).toBe(fixture.file);
    expect(recordsOf(events.path)).toHaveLength(fixture.calls.length + 1);
  });

  test("names its file as TensorBoard looks for it, makes the folder, and shares no file", async () => {
    const [first, second] = [writer(join(folder, "a/b")), writer(join(folder, "a/b"))];
    expect(basename(first.path).startsWith(`events.out.tfevents.1700000000.${hostname()}.`)).toBe(true);
    expect(second.path).not.toBe(first.path);
    await Promise.all([first.close(), second.close()]);
    expect(readdirSync(join(folder, "a/b"))).toHaveLength(2);
  });

  test("appends at each flush, in order", async () => {
    const events = writer();
    const sizes: number[] = [];
    for (let step = 0; step < 3; step++) {
      events.scalar("loss", step, step);
      await events.flush();
      sizes.push(statSync(events.path).size);
    }
    const flushes = [events.flush(), events.flush()];
    events.scalar("loss", 3, 3);
    await Promise.all([...flushes, events.close()]);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    expect(valuesOf(events.path).get("loss")).toEqual([0, 1, 2, 3]);
  });

  test("writes what is not finite, but no histogram of it", async () => {
    const events = writer();
    events.scalar("loss", Number.NaN, 0);
    events.histogram("h", { min: -Infinity, max: 1, counts: [0, 0] }, 0);
    await events.close();
    expect(valuesOf(events.path).get("loss")).toEqual([Number.NaN]);
    expect(recordsOf(events.path)).toHaveLength(2);
  });

  test("refuses what it cannot write", async () => {
    const events = writer();
    expect(() => new EventWriter(3 as never)).toThrow("EventWriter: folder must be the path of a folder, got 3");
    expect(() => new EventWriter(folder, { clocks: 1 } as never)).toThrow(
      'unknown option "clocks". Did you mean "clock"?',
    );
    expect(() => events.scalar("", 1, 1)).toThrow('EventWriter: tag must be a name, got ""');
    expect(() => events.scalar("a", "1" as never, 1)).toThrow('EventWriter: the scalar "a" must be a number, got "1"');
    expect(() => events.scalar("a", 1, 0.5)).toThrow("EventWriter: step must be a whole number at least 0");
    expect(() => events.histogram("a", { min: 0, max: 1, counts: [] }, 0)).toThrow(
      'EventWriter: the histogram "a" must have counts, got []',
    );
    await events.close();
    expect(() => events.scalar("a", 1, 1)).toThrow(/^EventWriter: .* must be open, got closed. Make another writer$/);
    writeFileSync(join(folder, "file"), "");
    const blocked = writer(join(folder, "file"));
    expect((await rejection(blocked.flush())).message).toMatch(/^EventWriter: .*file.* must be writable, got: /);
  });
});

describe("a run", () => {
  test("tells its losses, metrics and layers", async () => {
    const history = watched({ layers: 2, samples: 3, epochs: 2, stepsPerEpoch: 5 });
    const path = await tensorboard(history, join(folder, "run"));
    expect(dirname(path)).toBe(join(folder, "run"));
    const values = valuesOf(path);
    const near = (list: readonly number[]) => list.map((x) => Math.fround(x));
    expect(values.get("train/loss")).toEqual(near(history.losses));
    expect(values.get("train/gradient norm")).toEqual(near(history.gradNorms));
    expect(values.get("validation/accuracy")).toEqual(
      near(history.epochs.map((e) => e.validation?.metrics.accuracy as number)),
    );
    const { samples } = history.health;
    expect(values.get("signal/layers.1")).toEqual(near(samples.map((s) => s.layers[1].variance)));
    expect(values.get("update/layers.0")).toEqual(near(samples.map((s) => s.layers[0].update)));
    const figures = ["signal", "mean", "gradient", "dead", "saturated", "weight", "update"];
    expect([...values.keys()].sort()).toEqual(
      [
        ...["train/loss", "train/gradient norm", "train/top class"],
        ...["epoch/loss", "epoch/accuracy", "validation/loss", "validation/accuracy"],
        ...["signal", "gradient"].flatMap((name) => [0, 1].map((i) => `${name} histogram/layers.${i}`)),
        ...figures.flatMap((name) => [`${name}/layers.0`, `${name}/layers.1`]),
      ].sort(),
    );
    const total = samples[0].layers[1].signalHistogram?.counts.reduce((a, b) => a + b, 0);
    expect(values.get("signal histogram/layers.1")).toEqual(Array(3).fill(total));
  });

  test("that nobody watched tells what there is", async () => {
    const path = await tensorboard({ ...watched(), health: undefined }, join(folder, "plain"));
    expect([...valuesOf(path).keys()]).toEqual([
      ...[
        "train/loss",
        "train/gradient norm",
        "epoch/loss",
        "epoch/accuracy",
        "validation/loss",
        "validation/accuracy",
      ],
    ]);
  });

  test("streams looks as they come", async () => {
    const { layers, samples } = watched({ layers: 1, samples: 2 }).health;
    const events = new EventWriter(join(folder, "stream"));
    for (const sample of samples) {
      writeSample(events, layers, sample);
      await events.flush();
      expect(valuesOf(events.path).get("train/loss")?.at(-1)).toBe(Math.fround(sample.loss));
    }
    await events.close();
  });

  test("refuses what is no run and no folder", async () => {
    const call = tensorboard as (history: unknown, folder: unknown, options?: unknown) => Promise<string>;
    const message = async (...args: Parameters<typeof call>): Promise<string> =>
      (await rejection(call(...args))).message;
    expect(await message({}, folder)).toBe("tensorboard: history must be what fit returned, got {  }. Await it first");
    expect(await message(watched(), "")).toBe('tensorboard: folder must be the path of a folder, got ""');
    expect(await message(watched(), folder, { now: 1 })).toBe('tensorboard: unknown option "now". Known: clock');
  });
});
