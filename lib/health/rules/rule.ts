/** What a rule is: one trouble, how it shows, what is normal and why it comes about. */
import type { Advice, Finding, RepairName, RuleName } from "../finding.js";
import type { LayerView, RunView, StartView, View } from "./view.js";

/** What a rule says of a view; the rest of a finding is the rule's own. */
export interface Draft {
  readonly severity: Finding["severity"];
  readonly layer?: string;
  readonly measured: string;
  readonly value: number;
  /** What stands in the rule, unless told. */
  readonly normal?: string;
  readonly why?: string;
  readonly repairs?: readonly RepairName[];
  /** What can only be mended in the program or the data, before all repairs. */
  readonly byHand?: readonly Omit<Advice, "repair">[];
}

export interface Rule {
  readonly name: RuleName;
  /** Where the threshold comes from. */
  readonly source: string;
  readonly normal: string;
  readonly why: string;
  /** What mends it, most promising first. */
  readonly repairs: readonly RepairName[];
  /** Before the first step. */
  start?(view: StartView): Draft | undefined;
  /** On the way. */
  watch?(view: RunView): Draft | undefined;
}

/** A number in a message. */
export const short = (x: number): string =>
  x === 0 || (Math.abs(x) >= 1e-3 && Math.abs(x) < 1e5) ? `${Number(x.toPrecision(3))}` : x.toExponential(1);

export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;

/** Whether the run gets nowhere. */
export const stuck = ({ course: { name } }: RunView): boolean =>
  name === "stalled" || name === "slow" || name === "oscillating" || name === "diverging";

/** A judgement that counts on the way only where the run gets nowhere: dead units in one that learns are no fault. */
export const whereStuck =
  (judge: (view: View) => Draft | undefined) =>
  (view: RunView): Draft | undefined =>
    stuck(view) ? judge(view) : undefined;

/** Layers before the output, but for those of a residual branch that begins with 0: it waits, on purpose. */
export const hidden = (view: View): LayerView[] => view.layers.filter(isHidden);

const isHidden = (l: LayerView): boolean => !l.head && !(l.branch && (l.gradient === 0 || l.variance === 0));
