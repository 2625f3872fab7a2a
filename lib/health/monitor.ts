/** Follows a run of `fit`: looks at some of its steps, asks the rules, and has repaired what they find. */

import type { TypedArray } from "../dtype.js";
import { EvengradError } from "../error.js";
import { slopesThrough } from "../init/measure.js";
import type { Reading } from "../init/reading.js";
import { type Structure, structureIn, type WeightUse } from "../init/structure.js";
import { traceLayers } from "../nn/trace.js";
import type { Tensor } from "../tensor.js";
import type { HealthOptions } from "../train/fit.js";
import type { EpochRecord, History } from "../train/history.js";
import type { Checkpoint, Loop } from "../train/loop.js";
import type { Observer, StepParts } from "../train/observer.js";
import { examine } from "./checkup.js";
import { spacing } from "./cost.js";
import { withLines } from "./facts/called.js";
import { firstNonFinite } from "./facts/first-non-finite.js";
import { leakedShare } from "./facts/leak.js";
import { type NeighbourFacts, neighboursIn } from "./facts/neighbours.js";
import { noiseScale } from "./facts/noise.js";
import { varianceWithin } from "./facts/order.js";
import { rehearse } from "./facts/rehearsal.js";
import { type Sample, sampleOf, someOf } from "./facts/sample.js";
import { isSound, type StartFacts, startView } from "./facts/start.js";
import { type Finding, type RuleName, ranked } from "./finding.js";
import { writeJournal } from "./journal.js";
import { Movement } from "./movement.js";
import { type StepNumbers, stepReading } from "./probe.js";
import type { HealthRecord, HealthSample, LayerSample, RepairRecord, WatchedLayer } from "./record.js";
import { courseOf } from "./rules/course.js";
import { atStart, onTheWay } from "./rules/index.js";
import { plateau } from "./rules/plateau.js";
import { stuck } from "./rules/rule.js";
import { asksNeighbours } from "./rules/shuffled-labels.js";
import { type LayerView, layerView, type Plan, type RunView } from "./rules/view.js";
import { gain, type Score, scoreOf } from "./score.js";
import { Surgeon } from "./surgeon.js";
import { EventWriter } from "./tensorboard/event-writer.js";
import { writeEpoch, writeSample } from "./tensorboard/figures.js";

/** Repairs of one run, at most. */
const mostRepairs = 6;
/** How often a repaired run is tried with what else may have been wrong. */
const mostRecoveries = 2;
/** Faults that no repair helps, until the doctor gives up. */
const mostFailures = 3;
/** Rows by which the gradient's noise is measured. */
const [fewestNoiseRows, mostNoiseRows] = [128, 1024];

const isFault = ({ severity }: Finding): boolean => severity === "fault";

function watchedLayer({ path, layer, through, sum }: WeightUse): WatchedLayer {
  return { path, layer, activation: through?.name, shape: sum.shape };
}

export class Monitor implements Observer {
  private readonly findings: Finding[] = [];
  private readonly repairs: RepairRecord[] = [];
  private samples: HealthSample[] = [];
  /** What is read of a step that is looked at, and the structure of it. */
  private looked: { readonly structure: Structure; readonly reading: Reading<StepNumbers> } | undefined;
  /** Steps from one look to the next; by what a look costs once that is known, unless told or to be repaired. */
  private every: number;
  private readonly movement = new Movement();
  private readonly events: EventWriter | undefined;
  private readonly sample: Sample;
  private readonly surgeon: Surgeon | undefined;
  private facts: StartFacts | undefined;
  private structure: Structure | undefined;
  private leaked: number | undefined;
  private within: number | undefined;
  /** Where the run was before its first step, and where it was last healthy. */
  private start: Checkpoint | undefined;
  private healthy: Checkpoint | undefined;
  /** Where validation was best: by its answers, where these differ by more than chance, else by its loss. */
  private best: { readonly score: Score; readonly loss: number; readonly checkpoint: Checkpoint } | undefined;
  private unexamined: string | undefined;
  /** Rules whose fault shows at the moment. */
  private readonly open = new Set<RuleName>();
  /** Rules whose fault was repaired. */
  private readonly mended = new Set<RuleName>();
  /** The step that the latest repair went back to: samples before it are of other layers. */
  private since = 0;
  /** The step at which the gradient's noise was measured last. */
  private measured = 0;
  /** What the nearest other rows say, once it was asked. */
  private neighbours: Promise<NeighbourFacts | undefined> | undefined;
  private recoveries = 0;
  /** Faults that no repair has helped. */
  private failures = 0;
  /** Rules that were operated on at the start, and later ones that no repair has helped. */
  private readonly given = new Set<string>();

  constructor(
    private readonly loop: Loop,
    private readonly options: HealthOptions,
  ) {
    const { set, total } = loop;
    this.every = options.every ?? Math.max(10, Math.ceil(total / 20));
    this.events = options.tensorboard === undefined ? undefined : new EventWriter(options.tensorboard);
    this.sample = options.repair === "auto" ? sampleOf(set) : sampleOf(set, 128); // watching is to cost little
    const { validation } = loop.options;
    this.surgeon =
      options.repair === "auto" ? new Surgeon(loop, this.sample, someOf(validation ?? set, 1024)) : undefined;
  }

  /** How the run is to go, as it is now: a repair may have changed that. */
  private get plan(): Plan {
    const { loop, leaked } = this;
    const { optimizer, batchSize = 32, dropLast = false, shuffle = true } = loop.options;
    const within = shuffle ? undefined : this.within;
    return { optimizer, batchSize, dropLast, steps: loop.total, rows: loop.set.size, leaked, within };
  }

  async begin(): Promise<void> {
    const { validation, shuffle = true, batchSize = 32 } = this.loop.options;
    if (validation) this.leaked = await leakedShare(this.loop.set, validation);
    if (!shuffle) this.within = await varianceWithin(this.loop.set, batchSize);
    if (this.surgeon) this.start = await this.loop.save();
    for (let made = 0; made <= mostRepairs; made++) {
      const found = await this.look();
      const faults = found.filter(isFault);
      const fault = faults.find(({ rule }) => !this.given.has(rule));
      for (const finding of found) this.note(finding);
      if (!fault || !this.surgeon) break;
      this.given.add(fault.rule);
      await this.operate(fault, faults, await this.loop.save());
    }
    await this.recover();
    this.healthy = this.start = this.surgeon && (await this.loop.save());
  }

  /** Looks at the model as it is, with everything before a first step. */
  private async look(): Promise<Finding[]> {
    const { model, options } = this.loop;
    const { optimizer, loss } = options;
    try {
      const { facts, structure } = await examine("fit", model, this.sample, { loss, optimizer });
      this.facts = facts;
      this.structure = structure;
      const rehearsal =
        this.surgeon && isSound(facts)
          ? await rehearse(model, this.sample, loss, optimizer, options.signal)
          : undefined;
      const found = atStart(startView(facts, this.plan, { rehearsal }));
      return withLines(found, model, this.sample.x);
    } catch (error) {
      // What the model or the loss cannot do, the first step will say; what only the checkup cannot, is in the verdict.
      if (!(error instanceof EvengradError)) throw error;
      this.unexamined = error.message;
      return [];
    }
  }

  private note(finding: Finding): void {
    if (isFault(finding) && !(finding.step === 0 && this.mended.has(finding.rule))) this.open.add(finding.rule);
    if (this.said(finding)) return;
    this.findings.push(finding);
    this.options.onFinding?.(finding);
  }

  private said(finding: Finding): boolean {
    return this.findings.some((f) => f.rule === finding.rule && (isFault(f) || !isFault(finding)));
  }

  next(step: number): number {
    return Math.ceil(step / this.every) * this.every;
  }

  before(): void {
    this.movement.begin(this.loop.options.optimizer.params);
  }

  instrument(parts: StepParts): readonly Tensor[] {
    const { loop, options } = this;
    const structure = structureIn(loop.model, parts.x, parts.trace);
    const histograms = options.histograms ?? options.tensorboard !== undefined;
    const reading = stepReading(structure, parts, loop.options.optimizer, histograms);
    this.looked = { structure, reading };
    if (options.every === undefined && !this.surgeon)
      this.every = spacing(loop.total, parts, reading.tensors, structure.uses.length);
    return reading.tensors;
  }

  async see(values: readonly TypedArray[]): Promise<void> {
    const { loop } = this;
    const step = loop.at - 1;
    if (!this.looked) return;
    const { structure, reading } = this.looked;
    const { layers: numbers, topClass } = reading.decode(values);
    const layers: LayerSample[] = [];
    for (const [i, layer] of numbers.entries())
      layers.push({ ...layer, update: this.movement.of(structure.uses[i].weight) / (layer.weight + 1e-30) });
    const [loss, gradNorm] = [loop.losses[step], loop.gradNorms[step]];
    const sample: HealthSample = { step, epoch: loop.epochOf(step), loss, gradNorm, topClass, layers };
    this.samples.push(sample);
    if (this.events) {
      writeSample(this.events, this.layers, sample);
      await this.events.flush();
    }
    await this.judge();
  }

  async epochEnded(record: EpochRecord): Promise<void> {
    const { validation } = record;
    if (this.events) writeEpoch(this.events, record, this.loop.at);
    if (!validation) return; // what the losses say, is asked at looks
    await this.keepBest(validation.loss);
    await this.judge();
  }

  private async keepBest(loss: number): Promise<void> {
    const { loop, facts, best } = this;
    const { validation, loss: lossOf } = loop.options;
    if (!this.surgeon || !validation || !facts) return;
    const score = await scoreOf(loop, validation, facts, facts.output.op, lossOf);
    if (!best || gain(best.score, score) > 0) this.best = { score, loss, checkpoint: await loop.save() };
  }

  async failed(error: Error): Promise<boolean> {
    const { model, options } = this.loop;
    const found = await firstNonFinite(model, this.loop.here(), options.loss);
    return this.judge(found ?? { layer: undefined, text: error.message });
  }

  async end(): Promise<void> {
    await this.judge();
  }

  /** Asks the rules; true if the run was set back and repaired. */
  private async judge(failure?: RunView["failure"]): Promise<boolean> {
    const known = this.view(failure);
    if (!known) return false;
    const view = failure ? known : await this.closer(known);
    const seen = onTheWay(view);
    const heard = !this.surgeon && seen.every((finding) => this.said(finding)); // nobody reads these again
    const found = heard ? seen : withLines(seen, this.loop.model, this.sample.x);
    for (const finding of found) this.note(finding);
    const faults = found.filter(isFault);
    if (faults.length === 0) {
      const { name, first, recent, best } = view.course;
      const sound = (name === "learning" || name === "early") && recent < first && recent <= 1.05 * best;
      if (this.surgeon && sound) this.healthy = await this.loop.save();
      return false;
    }
    if (faults.some(({ rule }) => rule === "overfitting") && this.best && this.stopEarly(this.best, faults))
      return true;
    const fault = faults.find(({ rule }) => !this.given.has(`${rule} ${failure ? "failed" : ""}`));
    if (
      !fault ||
      !this.surgeon ||
      !this.healthy ||
      this.failures >= mostFailures ||
      this.repairs.filter((r) => r.outcome === "kept").length >= mostRepairs
    )
      return false;
    // What blew up was sound before; what gets nowhere got nowhere from the start.
    const blewUp = failure !== undefined || view.course.name === "diverging";
    const mended = await this.operate(fault, [], blewUp ? this.healthy : (this.start ?? this.healthy));
    // A run that was repaired and learns is sound, if not the best there could be.
    if (!mended && this.mended.size > 0 && view.course.name === "learning") this.open.delete(fault.rule);
    if (!mended) this.given.add(`${fault.rule} ${failure ? "failed" : ""}`);
    else await this.recover();
    return mended;
  }

  /** With what is worth its cost only where a run gets nowhere. */
  private async closer(view: RunView): Promise<RunView> {
    if (asksNeighbours(view)) this.neighbours ??= this.neighboursFor(view);
    return { ...view, neighbours: await this.neighbours, noise: await this.noiseIn(view) };
  }

  /** Among more rows than pass through the model where watching is to cost little: these would be too far apart. */
  private neighboursFor({ facts }: RunView): Promise<NeighbourFacts | undefined> {
    const rows = this.surgeon ? this.sample : sampleOf(this.loop.set, 256);
    return neighboursIn(rows, facts.output.shape);
  }

  /** The gradient's noise where the run gets no further: once, and again when it has made twice as many steps. */
  private async noiseIn(view: RunView): Promise<number | undefined> {
    const { model, options, set, at } = this.loop;
    if (at < 2 * this.measured || !(stuck(view) || plateau.watch?.(view))) return undefined;
    this.measured = at;
    const { loss, batchSize = 32 } = options;
    const { x, y } = sampleOf(set, Math.max(fewestNoiseRows, Math.min(mostNoiseRows, 8 * batchSize)));
    const trainable = model.parameters().filter((p) => p.trainable);
    return noiseScale(() => traceLayers(model, x, "batch").output, y, loss, trainable);
  }

  /** Goes back to where validation was best, and ends there. */
  private stopEarly(best: NonNullable<Monitor["best"]>, faults: readonly Finding[]): boolean {
    const finding = faults.find(({ rule }) => rule === "overfitting");
    const last = this.loop.records.at(-1)?.validation?.loss;
    if (!finding || last === undefined) return false;
    const epoch = best.checkpoint.records.length;
    this.repairs.push({
      ...{ step: this.loop.at, backTo: best.checkpoint.at, finding, repair: "stopEarly", outcome: "kept" },
      did: `went back to the end of epoch ${epoch}, where validation was best, and ended there`,
      code: `epochs: ${epoch}`,
      trial: { steps: 0, without: last, with: best.loss },
    });
    this.loop.restore(best.checkpoint);
    this.loop.end();
    this.open.clear();
    return true;
  }

  /** @param faults that show beside it, itself among them */
  private async operate(fault: Finding, faults: readonly Finding[], back: Checkpoint): Promise<boolean> {
    if (!this.surgeon || !this.facts || !this.structure) return false;
    const shows = async (): Promise<boolean> =>
      fault.step > 0 || (await this.look()).some((f) => f.rule === fault.rule && isFault(f));
    const cures = async (): Promise<number | undefined> => ((await shows()) ? undefined : this.facts?.loss.value);
    const state = { facts: this.facts, structure: this.structure };
    const records = await this.surgeon.repair(fault, faults, state, back, cures, this.failures === 0);
    this.repairs.push(...records);
    const kept = records.some(({ outcome }) => outcome === "kept");
    if (!kept) {
      this.failures++;
      this.facts = state.facts;
      this.structure = state.structure;
      return false;
    }
    this.samples = this.samples.filter(({ step }) => step < back.at);
    this.open.clear();
    if (fault.step > 0 || !(await shows())) this.mended.add(fault.rule);
    this.given.clear(); // what did not help before may help now
    for (const rule of this.mended) this.given.add(rule);
    this.since = back.at;
    this.events?.restart(back.at);
    if (back.at > 0) await this.look();
    if (back === this.start) this.start = await this.loop.save();
    this.healthy = await this.loop.save();
    return true;
  }

  /** What was repaired last may do better still. */
  private async recover(): Promise<void> {
    const last = this.repairs.filter(({ outcome }) => outcome === "kept").at(-1);
    if (!this.surgeon || !this.facts || !this.structure || !last || this.recoveries >= mostRecoveries) return;
    this.recoveries++;
    const records = await this.surgeon.recover(last.finding, { facts: this.facts, structure: this.structure });
    this.repairs.push(...records);
    if (!records.some(({ outcome }) => outcome === "kept")) return;
    if (this.loop.at === 0) this.start = await this.loop.save();
    this.healthy = await this.loop.save();
  }

  private view(failure: RunView["failure"]): RunView | undefined {
    const { facts, samples, loop } = this;
    if (!facts) return undefined;
    const { losses, gradNorms, total, at, records } = loop;
    const seen = this.since > 0 ? samples.filter(({ step }) => step >= this.since) : samples;
    const last = seen.at(-1);
    const uses = this.looked?.structure.uses ?? [];
    const layers: LayerView[] = [];
    for (const [i, numbers] of (last?.layers ?? []).entries()) layers.push(layerView(uses[i], numbers));
    return {
      ...{ neighbours: undefined, noise: undefined },
      ...{ step: at, total, facts, plan: this.plan, losses, gradNorms, epochs: records, layers, failure },
      ...slopesThrough(layers),
      course: courseOf(losses, total, facts.chance, records.at(-1)?.validation?.loss),
      samples: seen,
      repaired: this.mended.size > 0,
      topClass: last?.topClass,
    };
  }

  async close(history: History): Promise<void> {
    await this.events?.close();
    await writeJournal(history);
  }

  private get layers(): WatchedLayer[] {
    return (this.looked?.structure.uses ?? []).map(watchedLayer);
  }

  record(): HealthRecord {
    const { findings, repairs, samples } = this;
    const open = findings.filter((f) => isFault(f) && this.open.has(f.rule));
    const { layers } = this;
    const kept = repairs.filter((r) => r.outcome === "kept");
    const verdict = open.length
      ? `${open[0].rule}: ${open[0].measured}`
      : kept.length
        ? `repaired: ${kept.map((r) => r.did).join("; ")}`
        : this.unexamined
          ? `nothing found; before the first step it could not be looked at: ${this.unexamined}`
          : "healthy";
    return { healthy: open.length === 0, verdict, layers, samples, findings: ranked(findings), repairs };
  }
}
