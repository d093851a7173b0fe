export const median = (values) => quantile(sortedCopy(values), 0.5);

/** Median and the range of the middle half. */
export function spread(values) {
  const sorted = sortedCopy(values);
  return { median: quantile(sorted, 0.5), q1: quantile(sorted, 0.25), q3: quantile(sorted, 0.75) };
}

export const geometricMean = (values) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

/** By linear interpolation between the two nearest. */
export function quantile(sorted, p) {
  const place = p * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (place - low) * (sorted[high] - sorted[low]);
}

const sortedCopy = (values) => [...values].sort((a, b) => a - b);
