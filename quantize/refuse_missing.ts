// Models that read what nothing produces are not made smaller.
import { SardonyxError } from '../web/index.js';
import { capturedBy } from './graphs.js';
import { nodeName, type Model } from './model.js';

/** GRAPH_INPUT_MISSING for a node or an output of the main graph without its value. */
export function refuseMissing({ graph }: Model): void {
  const known = new Set([
    '',
    ...[...graph.input, ...graph.initializer].map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name ?? ''),
    ...graph.node.flatMap(({ output }) => output),
  ]);
  for (const node of graph.node) {
    const missing = [...node.input, ...capturedBy(node)].find((name) => !known.has(name));
    if (missing === undefined) continue;
    throw new SardonyxError(
      'GRAPH_INPUT_MISSING',
      `${node.opType} '${nodeName(node)}' reads '${missing}', which nothing produces`,
      { node: nodeName(node), operator: node.opType, tensor: missing },
    );
  }
  const output = graph.output.find(({ name }) => !known.has(name));
  if (!output) return;
  throw new SardonyxError(
    'GRAPH_INPUT_MISSING',
    `output '${output.name}' of the model is produced by nothing`,
    { tensor: output.name },
  );
}
