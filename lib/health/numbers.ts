/**
 * What lists of numbers come to. By loops: these run at every look, and V8 keeps the code of a function made on the spot only
 * until its next collection.
 */

export function sum(list: ArrayLike<number>): number {
  let all = 0;
  for (let i = 0; i < list.length; i++) all += list[i];
  return all;
}

export const mean = (list: ArrayLike<number>): number => sum(list) / list.length;

/** Standard deviation, over n. */
export function deviation(list: ArrayLike<number>): number {
  const middle = mean(list);
  let squares = 0;
  for (let i = 0; i < list.length; i++) squares += (list[i] - middle) ** 2;
  return Math.sqrt(squares / list.length);
}

/** A copy in ascending order, NaN last. */
export const ascending = (list: ArrayLike<number>): Float64Array => new Float64Array(list).sort();

/** Of an even number the upper one of the two in the middle; 0 of an empty list. */
export const median = (list: ArrayLike<number>): number => ascending(list)[list.length >> 1] ?? 0;
