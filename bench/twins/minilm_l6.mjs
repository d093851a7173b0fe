// MiniLM-L6 (sentence-transformers' all-MiniLM-L6-v2) at 128 tokens: BERT with 6 layers of 384, exported with symbolic
// batch and sequence.
import { GraphWriter } from '../graph_writer.mjs';
import { attend, feedForward, layerNorm, linear, splitHeads } from './transformer.mjs';

const WIDTH = 384;
const HEADS = 12;
const TOKENS = 128;
const VOCABULARY = 30522;
const EPSILON = 1e-12;

function embeddings(g, ids, types) {
  const table = (rows) => g.weight([rows, WIDTH], { fanIn: 3 });
  const words = g.op('Gather', [table(VOCABULARY), ids]);
  const kinds = g.op('Gather', [table(2), types]);
  // The positions 0 … t−1 are a slice of a constant by the length of the sequence.
  const length = g.op('Gather', [g.op('Shape', [ids]), g.constant('int64', [], [1n])], { axis: 0 });
  const end = g.op('Unsqueeze', [length, g.ints(0)]);
  const all = g.constant(
    'int64',
    [1, 512],
    Array.from({ length: 512 }, (_, i) => BigInt(i)),
  );
  const positions = g.op('Slice', [all, g.ints(0), end, g.ints(1), g.ints(1)]);
  const places = g.op('Gather', [table(512), positions]);
  const sum = g.op('Add', [g.op('Add', [words, kinds]), places]);
  return layerNorm(g, sum, WIDTH, EPSILON);
}

/** 0 where the mask is 1, the lowest float where it is 0, as [batch, 1, 1, t]. */
function additiveMask(g, mask) {
  const rows = g.op('Unsqueeze', [g.op('Unsqueeze', [mask, g.ints(1)]), g.ints(2)]);
  const floats = g.op('Cast', [rows], { to: 1 });
  return g.op('Mul', [g.op('Sub', [g.scalar(1), floats]), g.scalar(-3.4028234663852886e38)]);
}

function layer(g, x, mask, output) {
  const size = WIDTH / HEADS;
  const heads = (transposed) => splitHeads(g, linear(g, x, WIDTH, WIDTH), HEADS, size, transposed);
  const mixed = attend(g, {
    q: heads(false),
    kT: heads(true),
    v: heads(false),
    width: WIDTH,
    mask,
    scale: Math.sqrt(size),
  });
  const attended = g.op('Add', [linear(g, mixed, WIDTH, WIDTH), x]);
  const y = layerNorm(g, attended, WIDTH, EPSILON);
  return layerNorm(g, g.op('Add', [feedForward(g, y, WIDTH, 1536), y]), WIDTH, EPSILON, output);
}

export function write() {
  const g = new GraphWriter({ seed: 5 });
  const dims = ['batch', 'sequence'];
  const example = [1, TOKENS];
  const ids = g.input('input_ids', 'int64', dims, { example, low: 0, high: VOCABULARY - 1 });
  const mask = g.input('attention_mask', 'int64', dims, { example, low: 1, high: 1 });
  const types = g.input('token_type_ids', 'int64', dims, { example, low: 0, high: 0 });
  let x = embeddings(g, ids, types);
  const added = additiveMask(g, mask);
  for (let i = 0; i < 6; i++) x = layer(g, x, added, i === 5 ? 'last_hidden_state' : undefined);
  g.output('last_hidden_state', 'float32', [...dims, WIDTH]);
  return g.finish();
}
