// The kernels, in the order of engine/gpu/kernels.def. None uses workgroup memory or barriers, which
// software adapters run slowly.
import { conv, convTranspose } from './conv.js';
import { affine, binary, unary } from './elementwise.js';
import { matmul } from './matmul.js';
import { copy, gather, pad } from './movement.js';
import { pool } from './pool.js';
import { normalize, reduce, softmax } from './reduction.js';
import { resize } from './resize.js';
import { cast, compare, where } from './selection.js';
import type { Kernel } from './shader.js';

export const KERNELS: readonly { readonly name: string; readonly kernel: Kernel | undefined }[] = [
  { name: 'cpu', kernel: undefined },
  { name: 'conv_tile', kernel: conv },
  { name: 'conv_row', kernel: conv },
  { name: 'conv_transpose', kernel: convTranspose },
  { name: 'matmul', kernel: matmul },
  { name: 'unary', kernel: unary },
  { name: 'binary', kernel: binary },
  { name: 'compare', kernel: compare },
  { name: 'where', kernel: where },
  { name: 'cast', kernel: cast },
  { name: 'pool', kernel: pool },
  { name: 'reduce', kernel: reduce },
  { name: 'softmax', kernel: softmax },
  { name: 'normalize', kernel: normalize },
  { name: 'affine', kernel: affine },
  { name: 'copy', kernel: copy },
  { name: 'pad', kernel: pad },
  { name: 'gather', kernel: gather },
  { name: 'resize', kernel: resize },
];
