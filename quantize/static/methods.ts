// How ranges are found in what was observed.
export const METHODS = ['minmax', 'percentile', 'entropy'] as const;

export type CalibrationMethod = (typeof METHODS)[number];
