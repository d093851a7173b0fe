// sardonyx inspect: what a model is.
import type { Command, Report } from './command.js';
import { describeValue, EXTERNAL, EXTERNAL_HELP, withModel } from './model_file.js';
import type { PlanReport, Session } from '../web/index.js';

type Model = PlanReport['model'];

const byCount = (operators: Model['operators']) =>
  Object.entries(operators).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function text(file: string, session: Session, model: Model): string {
  const opsets = Object.entries(model.opsets).map(([name, n]) => `${name || 'ai.onnx'} ${n}`);
  const operators = byCount(model.operators);
  const nodes = operators.reduce((sum, [, count]) => sum + count, 0);
  const facts = [`opset ${opsets.join(', ')}`, `IR ${model.irVersion}`, model.producer ?? ''];
  return [
    `${file}\n`,
    `  ${facts.filter(Boolean).join(' · ')}\n`,
    `  weights in memory: ${model.weightBytes} bytes as stored, ${model.packedBytes} packed\n`,
    ...describeManifest(session),
    section('inputs', session.inputs.map(describeValue)),
    section('outputs', session.outputs.map(describeValue)),
    section(
      `operators (${nodes} nodes)`,
      operators.map(([name, count]) => `${String(count).padStart(5)}  ${name}`),
    ),
    section('warnings', model.warnings),
  ].join('');
}

function describeManifest({ manifest, route }: Session): string[] {
  if (!manifest) return [];
  const { name, version, license, variants } = manifest;
  return [
    section(
      `variants of ${name} ${version}, ${license}`,
      variants.map(
        ({ name, url, bytes, devices }) =>
          `${name}  ${url}, ${bytes} bytes, for ${devices.join(' and ')}${name === route.variant ? ', taken here' : ''}`,
      ),
    ),
    section('why', route.why),
  ];
}

export const inspect: Command = {
  usage: 'inspect FILE [--external NAME=FILE …] [--json]',
  summary: 'Inputs, outputs, operators, opsets, weights and warnings of a model',
  help: `${EXTERNAL_HELP}
  --json                 the same as JSON

FILE is a path or a URL of an .onnx file, or of a manifest. The model is compiled: one that can not run is an error
that names the node. Weights that a kernel has packed are not kept as they were stored.`,
  options: EXTERNAL,
  run: (given): Promise<Report> =>
    withModel(given, {}, async (session, file) => {
      const { model } = await session.explain();
      const { opsets, operators, warnings, weightBytes, packedBytes, irVersion, producer } = model;
      const { inputs, outputs, manifest, route } = session;
      return {
        text: text(file, session, model),
        json: {
          file,
          ...(manifest ? { manifest, variant: route.variant, why: route.why } : {}),
          inputs,
          outputs,
          operators,
          opsets,
          irVersion,
          producer,
          weightBytes,
          packedBytes,
          warnings,
        },
      };
    }),
};
