/**
 * @file Sums of groups of submissions → one delta: the mean where there is one group, else the Byzantine-robust median over
 * groups (SPEC AGG-1). Element by element, so any range of the model can be combined on its own.
 * Method: median of means (Nemirovsky and Yudin 1983; for training Yin et al. 2018), adapted to sparse input: a plain
 * median would be zero wherever fewer than half of the groups sent anything, which at 3% density is nearly everywhere.
 */

interface Group {
  readonly sums: Float64Array;
  /** Of all its submissions; not zero. */
  readonly weight: number;
}

/** Sums and weights by group, both in grid steps; groups of no weight do not count. Writes every element of `into`. */
export function combineGroups(
  sums: readonly Float64Array[],
  weights: ArrayLike<number>,
  into: Float32Array,
): void {
  const groups = sums.flatMap((of, group) => (weights[group] ? [{ sums: of, weight: weights[group] }] : []));
  const sent = new Float64Array(groups.length);
  if (groups.length > 1) for (let i = 0; i < into.length; i++) into[i] = medianOfGroups(groups, i, sent);
  else if (groups[0]) meanOfGroup(groups[0], into);
  else into.fill(0);
}

function meanOfGroup({ sums, weight }: Group, into: Float32Array): void {
  for (let i = 0; i < into.length; i++) into[i] = sums[i]! / weight;
}

/**
 * Formula: median of the groups' non-zero means × (groups with a non-zero mean / groups). Of an even count the two
 * middle values are averaged, so that the rule has no preferred sign.
 */
function medianOfGroups(groups: readonly Group[], index: number, sent: Float64Array): number {
  let count = 0;
  for (let group = 0; group < groups.length; group++) {
    const { sums, weight } = groups[group]!;
    if (sums[index] === 0) continue;
    const mean = sums[index]! / weight;
    let place = count++;
    for (; place > 0 && sent[place - 1]! > mean; place--) sent[place] = sent[place - 1]!;
    sent[place] = mean;
  }
  if (count === 0) return 0;
  const [low, high] = [sent[(count - 1) >> 1]!, sent[count >> 1]!];
  return (((low + high) / 2) * count) / groups.length;
}
