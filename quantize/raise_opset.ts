// Brings a model to a later opset of ONNX: operators that began to mean something else, or to take an attribute as
// an input, are written anew. Source: the change log of ONNX's operators.
import { SardonyxError } from '../web/index.js';
import { allGraphs } from './graphs.js';
import { isOperator, nodeError, nodeName, type Model } from './model.js';
import {
  floatOf,
  floatsOf,
  intOf,
  int64sOf,
  makeNode,
  setAttribute,
  withoutAttributes,
} from './nodes.js';
import type { NodeProto } from './onnx_pb.generated.js';
import { makeTensor } from './tensor_data.js';

/** Operators of older opsets broadcast by attributes. */
const OLDEST = 7;

/** What to write instead of a node, which may be the node itself, changed. */
type Rewrite = (node: NodeProto, model: Model) => NodeProto[];

const int64s = (model: Model, name: string, values: readonly bigint[]) =>
  model.addConstant(
    makeTensor(model.freshName(name), 'int64', [values.length], BigInt64Array.from(values)),
  );

const scalar = (model: Model, name: string, value: number) =>
  model.addConstant(makeTensor(model.freshName(name), 'float32', [], Float32Array.of(value)));

/** Attributes that are lists of ints become inputs; those that are not there are left out. */
const listsToInputs =
  (...names: readonly string[]): Rewrite =>
  (node, model) => {
    for (const [i, name] of names.entries()) {
      const values = int64sOf(node, name);
      node.input[i + 1] = values ? int64s(model, `${nodeName(node)}_${name}`, values) : '';
    }
    while (node.input.at(-1) === '') node.input.pop();
    withoutAttributes(node, names);
    return [node];
  };

const clip: Rewrite = (node, model) => {
  const bound = (name: string) =>
    node.attribute.some((attribute) => attribute.name === name)
      ? scalar(model, `${nodeName(node)}_${name}`, floatOf(node, name, 0))
      : '';
  node.input.push(bound('min'), bound('max'));
  withoutAttributes(node, ['min', 'max']);
  return [node];
};

const pad: Rewrite = (node, model) => {
  const value = floatOf(node, 'value', 0);
  listsToInputs('pads')(node, model);
  if (value !== 0) node.input.push(scalar(model, `${nodeName(node)}_value`, value));
  withoutAttributes(node, ['value']);
  return [node];
};

const dropout: Rewrite = (node) => {
  withoutAttributes(node, ['ratio']);
  return [node];
};

const topK: Rewrite = (node, model) => {
  node.input[1] = int64s(model, `${nodeName(node)}_k`, [BigInt(intOf(node, 'k', 1))]);
  withoutAttributes(node, ['k']);
  return [node];
};

const upsampleScales: Rewrite = (node, model) => {
  const values = Float32Array.from(floatsOf(node, 'scales') ?? []);
  const name = model.freshName(nodeName(node), 'scales');
  node.input[1] = model.addConstant(makeTensor(name, 'float32', [values.length], values));
  withoutAttributes(node, ['scales']);
  return [node];
};

const upsample: Rewrite = (node) => {
  node.opType = 'Resize';
  return [node];
};

const resize: Rewrite = (node, model) => {
  const roi = makeTensor(model.freshName('roi'), 'float32', [0], new Float32Array());
  node.input.splice(1, 0, model.addConstant(roi));
  setAttribute(node, 'coordinate_transformation_mode', 'asymmetric');
  setAttribute(node, 'nearest_mode', 'floor');
  return [node];
};

/** All dims from `axis` on together, which the later operator does for one dim. */
const softmax: Rewrite = (node, model) => {
  const axis = intOf(node, 'axis', 1);
  withoutAttributes(node, ['axis']);
  if (axis === -1) return [node];
  const [x = '', y = '', name] = [node.input[0], node.output[0], nodeName(node)];
  const [shape, flat, result] = ['shape', 'flat', 'result'].map((part) =>
    model.freshName(name, part),
  ) as [string, string, string];
  node.input = [flat];
  node.output = [result];
  return [
    makeNode('Shape', [x], [shape], { name: shape }),
    makeNode('Flatten', [x], [flat], { name: flat, attributes: { axis } }),
    node,
    makeNode('Reshape', [result, shape], [y], { name: model.freshName(name, 'reshape') }),
  ];
};

const refuse: Rewrite = (node) => {
  throw nodeError('MODEL_UNSUPPORTED', node, 'in later opsets it means something else');
};

const batchNormalization: Rewrite = (node, model) => {
  if (intOf(node, 'spatial', 1) !== 1) return refuse(node, model);
  withoutAttributes(node, ['spatial']);
  return [node];
};

const CHANGES: Readonly<Record<number, Readonly<Record<string, Rewrite>>>> = {
  9: { Upsample: upsampleScales, Scan: refuse, BatchNormalization: batchNormalization },
  10: { Slice: listsToInputs('starts', 'ends', 'axes'), TopK: topK, Upsample: upsample },
  11: { Clip: clip, Pad: pad, Resize: resize },
  12: { Dropout: dropout },
  13: {
    ...Object.fromEntries(['Softmax', 'LogSoftmax', 'Hardmax'].map((type) => [type, softmax])),
    ...Object.fromEntries(
      ['ReduceSum', 'Squeeze', 'Unsqueeze'].map((type) => [type, listsToInputs('axes')]),
    ),
    Split: listsToInputs('split'),
  },
};

/** Leaves a later opset as it is. MODEL_UNSUPPORTED where a node can not be brought along. */
export function raiseOpset(model: Model, version: 10 | 11 | 13): void {
  const from = model.opset();
  if (from >= version) return;
  if (from < OLDEST) {
    const message = `the model is of opset ${from}, and opset ${OLDEST} is the oldest that can be changed`;
    throw new SardonyxError('MODEL_UNSUPPORTED', message, { field: 'opset_import' });
  }
  for (let opset = from + 1; opset <= version; opset++) {
    const rewrites = CHANGES[opset] ?? {};
    const rewritten = (node: NodeProto) => {
      const rewrite = isOperator(node, node.opType) ? rewrites[node.opType] : undefined;
      return rewrite ? rewrite(node, model) : [node];
    };
    for (const graph of allGraphs(model.graph)) graph.node = graph.node.flatMap(rewritten);
  }
  model.setOpset('', version);
}
