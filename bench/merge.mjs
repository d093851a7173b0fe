// --add: what one run measured, put to what an earlier one did.

/** Rows of both, those of `more` in the place of rows of the same identity; `join` makes one of two. */
function mergeRows(rows, more, identity, join = (_, added) => added) {
  if (!rows || !more) return more ?? rows;
  const added = new Map(more.map((row) => [row[identity], row]));
  const kept = rows.map((row) => {
    const other = added.get(row[identity]);
    added.delete(row[identity]);
    return other ? join(row, other) : row;
  });
  return [...kept, ...added.values()];
}

const joinThreads = (row, other) => ({ ...other, threads: { ...row.threads, ...other.threads } });

/** Machine, peak and rounds are those of `more`. */
export const mergeReports = (report, more) => ({
  ...report,
  ...more,
  models: mergeRows(report.models, more.models, 'key', joinThreads),
  kernels: mergeRows(report.kernels, more.kernels, 'name'),
  calls: mergeRows(report.calls, more.calls, 'name'),
  cold: mergeRows(report.cold, more.cold, 'key'),
  memory: mergeRows(report.memory, more.memory, 'key'),
  peak: { ...more.peak, together: { ...report.peak?.together, ...more.peak?.together } },
});
