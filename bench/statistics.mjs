export const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Median and the range of the middle half, by linear interpolation. */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (p) => {
    const place = p * (sorted.length - 1);
    const low = Math.floor(place);
    return (
      sorted[low] + (place - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low])
    );
  };
  return { median: median(values), q1: at(0.25), q3: at(0.75) };
}
