// Walks over the graphs of a model: the main one and those that nodes have as attributes.
import type { GraphProto, ModelProto, NodeProto, TensorProto } from './onnx_pb.generated.js';

/** The bodies of If, Loop, Scan and the like. */
export const bodiesOf = (node: NodeProto): GraphProto[] =>
  node.attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));

/** `graph` and all graphs inside it. */
export function allGraphs(graph: GraphProto): GraphProto[] {
  return [graph, ...graph.node.flatMap((node) => bodiesOf(node).flatMap(allGraphs))];
}

/** Every tensor that the model has, also in bodies, attributes and functions. */
export function storedTensors({ graph, functions }: ModelProto): TensorProto[] {
  const graphs = [
    ...(graph ? allGraphs(graph) : []),
    ...functions.flatMap(({ node }) => node.flatMap(bodiesOf).flatMap(allGraphs)),
  ];
  return [
    ...functions.flatMap(({ node }) => node.flatMap(tensorsOf)),
    ...graphs.flatMap(({ initializer, sparseInitializer, node }) => [
      ...initializer,
      ...sparseInitializer.flatMap(({ values }) => values ?? []),
      ...node.flatMap(tensorsOf),
    ]),
  ];
}

const tensorsOf = (node: NodeProto): TensorProto[] =>
  node.attribute.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors));

/** Names that a body reads and does not define: values of the graphs around it. */
export function capturedNames(body: GraphProto): Set<string> {
  const own = new Set([
    ...body.input.map(({ name }) => name),
    ...body.initializer.map(({ name }) => name),
    ...body.sparseInitializer.map(({ values }) => values?.name ?? ''),
    ...body.node.flatMap(({ output }) => output),
  ]);
  const read = [
    ...body.output.map(({ name }) => name),
    ...body.node.flatMap((node) => [...node.input, ...capturedBy(node)]),
  ];
  return new Set(read.filter((name) => name !== '' && !own.has(name)));
}

/** Names outside that the bodies of a node read. */
export const capturedBy = (node: NodeProto): string[] =>
  bodiesOf(node).flatMap((body) => [...capturedNames(body)]);

/** Other names for what a node and its bodies read of the graph around it. */
export function renameReads(node: NodeProto, names: ReadonlyMap<string, string>): void {
  node.input = node.input.map((name) => names.get(name) ?? name);
  for (const body of bodiesOf(node)) {
    const captured = capturedNames(body);
    const inside = new Map([...names].filter(([name]) => captured.has(name)));
    for (const inner of body.node) renameReads(inner, inside);
    for (const output of body.output) output.name = inside.get(output.name) ?? output.name;
  }
}
