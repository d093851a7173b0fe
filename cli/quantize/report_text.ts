// The report of sardonyx quantize for people.
import type { KeptReport, LayerReport, QuantizeReport } from '../../quantize/index.js';
import type { NotMeasured, OutputAgreement } from './output_agreement.js';

const decibels = (value: number) => (Number.isFinite(value) ? `${value.toFixed(1)} dB` : 'exact');

const layerLine = ({ node, operator, weight, shape, weightSqnr, outputSqnr }: LayerReport) =>
  [
    decibels(weightSqnr).padStart(9),
    ...(outputSqnr === undefined ? [] : [decibels(outputSqnr).padStart(9)]),
    ` ${operator} ${node}  ${weight} [${shape.join(', ')}]\n`,
  ].join(' ');

const keptLine = ({ node, operator, reason }: KeptReport) => `  ${operator} ${node}: ${reason}\n`;

const outputLine = ({ name, cosine, sqnr, maxDifference }: OutputAgreement) =>
  [
    cosine.toFixed(6).padStart(9),
    decibels(sqnr).padStart(9),
    maxDifference.toPrecision(3).padStart(10),
    ` ${name}\n`,
  ].join(' ');

const group = (number: number) => number.toLocaleString('en');

export function reportText(
  out: string,
  { bytesBefore, bytesAfter, layers, kept }: QuantizeReport,
  outputs: readonly OutputAgreement[] | NotMeasured,
): string {
  const share = ((100 * bytesAfter) / bytesBefore).toFixed(1);
  const parts = [
    `${out}: ${group(bytesAfter)} bytes, ${share} % of ${group(bytesBefore)}\n`,
    layers.some(({ outputSqnr }) => outputSqnr !== undefined)
      ? 'SQNR of weight, of what the node gives; node, weight\n'
      : '     SQNR  node, weight\n',
    ...layers.map(layerLine),
    ...(kept.length > 0 ? ['left as they are\n', ...kept.map(keptLine)] : []),
    ...('reason' in outputs
      ? [`outputs were not compared: ${outputs.reason}\n`]
      : ['   cosine      SQNR   most off  output\n', ...outputs.map(outputLine)]),
  ];
  return parts.join('');
}
