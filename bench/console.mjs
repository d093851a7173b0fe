// Lines for the terminal while the bench runs.

export const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(1));

export const range = ({ median, q1, q3 }) =>
  `${median.toFixed(2)} (${q1.toFixed(2)}–${q3.toFixed(2)})`;

/** First cell to the left, the others to the right. */
export const line = (cells, widths) =>
  cells
    .map((cell, i) => (i === 0 ? String(cell).padEnd(widths[i]) : String(cell).padStart(widths[i])))
    .join(' ')
    .trimEnd();
