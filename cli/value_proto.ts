// Reads what ONNX's test data has for a value: TensorProto, SequenceProto or OptionalProto.
import { SardonyxError, type AnyTensor, type Value, type ValueKind } from '../web/index.js';
import { MalformedError, Reader } from './protobuf.js';
import { readTensorProto } from './tensor_proto.js';

/** INVALID_ARGUMENT when the bytes are not what a value of that kind is stored as. */
export function readValueProto(bytes: Uint8Array, kind: ValueKind): Value {
  if (kind === 'tensor') return readTensorProto(bytes);
  try {
    if (kind === 'sequence') return readSequence(bytes);
    return readOptional(bytes, kind);
  } catch (thrown) {
    if (!(thrown instanceof MalformedError)) throw thrown;
    const form = kind === 'sequence' ? 'SequenceProto' : 'OptionalProto';
    throw new SardonyxError('INVALID_ARGUMENT', `not a ${form}: ${thrown.message}`, {
      field: 'input',
    });
  }
}

// Of both messages field 1 is a name and 2 the kind of elements.
function readSequence(bytes: Uint8Array): AnyTensor[] {
  const tensors: AnyTensor[] = [];
  for (const reader = new Reader(bytes); !reader.done;) {
    const field = reader.field();
    if (field.number === 3) tensors.push(readTensorProto(field.bytes));
  }
  return tensors;
}

function readOptional(bytes: Uint8Array, kind: ValueKind): Value {
  for (const reader = new Reader(bytes); !reader.done;) {
    const field = reader.field();
    if (field.number === 3) return readTensorProto(field.bytes);
    if (field.number === 5) return readSequence(field.bytes);
    if (field.number > 2) throw new MalformedError(`field ${field.number} in an ${kind}`);
  }
  return null;
}
