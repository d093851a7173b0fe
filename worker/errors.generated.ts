// Written by tools/generate_errors.mjs from base/errors.def.
export type ErrorScope = 'caller' | 'model' | 'route' | 'network' | 'storage';

// Code -> [number in the C ABI, scope, remedy].
export const ERRORS = {
  INVALID_ARGUMENT: [
    1,
    'caller',
    'Check the argument named in the message against the API documentation.',
  ],
  INPUT_MISSING: [2, 'caller', 'Feed every input listed in session.inputs that has no default.'],
  INPUT_UNKNOWN: [3, 'caller', 'Use the names listed in session.inputs.'],
  INPUT_DTYPE: [4, 'caller', 'Create the tensor with the dtype listed in session.inputs.'],
  INPUT_SHAPE: [
    5,
    'caller',
    'Create the tensor with a shape that fits the one listed in session.inputs.',
  ],
  INPUT_SIZE: [6, 'caller', 'Give the tensor as many elements as its shape has.'],
  OUTPUT_UNKNOWN: [7, 'caller', 'Use the names listed in session.outputs.'],
  QUEUE_FULL: [8, 'caller', 'Wait for earlier runs to settle, or raise queueLimit.'],
  RUN_TIMEOUT: [9, 'caller', 'Raise timeoutMs, or choose a faster variant.'],
  TENSOR_STALE: [10, 'caller', 'Allocate the tensor again: its session was swapped or disposed.'],
  TENSOR_DISPOSED: [11, 'caller', 'Do not use a tensor after dispose().'],
  SESSION_DISPOSED: [12, 'caller', 'Load the model again: this session was disposed.'],
  RUN_SUPERSEDED: [13, 'caller', 'Nothing to do: a newer latest-wins request replaced this one.'],
  UNSUPPORTED_ENVIRONMENT: [14, 'caller', 'Use a browser or runtime with WebAssembly SIMD.'],
  VARIANT_UNKNOWN: [15, 'caller', "Use the name of one of the manifest's variants."],
  NO_CANDIDATE: [
    16,
    'caller',
    'Force or exclude less: the message says why each variant is left out.',
  ],
  MEMORY_BUDGET: [
    17,
    'caller',
    'Raise memoryBudget, or load a smaller variant: the message has both sizes.',
  ],
  MODEL_EMPTY: [20, 'model', 'Check that the file or buffer holds an ONNX model.'],
  MODEL_TRUNCATED: [21, 'model', 'Download or export the model again: its end is missing.'],
  MODEL_MALFORMED: [22, 'model', 'Check that the file is an ONNX model; export it again.'],
  MODEL_UNSUPPORTED: [23, 'model', 'Export the model without the feature named in the message.'],
  OPERATOR_UNSUPPORTED: [
    24,
    'model',
    'Export the model with operators listed in docs/operators.md.',
  ],
  ATTRIBUTE_INVALID: [
    25,
    'model',
    'Correct the attribute named in the message and export the model again.',
  ],
  GRAPH_CYCLE: [26, 'model', 'Export the model again: its graph must not contain a cycle.'],
  GRAPH_INPUT_MISSING: [
    27,
    'model',
    'Export the model again: a node reads a value that nothing produces.',
  ],
  GRAPH_DUPLICATE_NAME: [28, 'model', 'Export the model again: each value may be produced once.'],
  TENSOR_DIMS: [29, 'model', 'Correct the dims of the tensor named in the message.'],
  TENSOR_PAYLOAD: [
    30,
    'model',
    'Correct the payload of the tensor named in the message: its length does not fit its dims and dtype.',
  ],
  DTYPE_UNSUPPORTED: [
    31,
    'model',
    'Convert the tensor or operator named in the message to a supported dtype.',
  ],
  SHAPE_MISMATCH: [
    32,
    'model',
    'Check the shapes of the inputs: the node named in the message can not combine them.',
  ],
  INDEX_RANGE: [33, 'model', 'Check the indices given to the node named in the message.'],
  VALUE_RANGE: [34, 'model', 'Check the values given to the node named in the message.'],
  EXTERNAL_DATA_MISSING: [35, 'model', 'Pass the file named in the message in externalData.'],
  EXTERNAL_DATA_INVALID: [
    36,
    'model',
    'Correct the external data reference of the tensor named in the message.',
  ],
  LIMIT_EXCEEDED: [
    37,
    'model',
    "Use a smaller model: the size named in the message is above the engine's limit.",
  ],
  MANIFEST_INVALID: [
    38,
    'model',
    'Correct the field named in the message as docs/manifest.md describes it.',
  ],
  MODEL_QUANTIZED: [39, 'model', 'Give quantize the model of floats that this one was made of.'],
  NOTHING_TO_QUANTIZE: [
    40,
    'model',
    'Choose another precision, or keep fewer nodes: the message says why no weight was taken.',
  ],
  OUT_OF_MEMORY: [50, 'route', 'Use a smaller variant or input, or close other models.'],
  ENGINE_TRAP: [
    51,
    'route',
    'Run again: a new worker has taken over. Report the model if it happens again.',
  ],
  ENGINE_HUNG: [
    52,
    'route',
    'Run again: a new worker has taken over. Report the model if it happens again.',
  ],
  ENGINE_START: [
    53,
    'route',
    'Check that the worker and wasm files are served, unmodified, where the message says.',
  ],
  ENGINE_VERSION: [54, 'route', 'Serve the JavaScript and wasm files of one release together.'],
  DEVICE_LOST: [55, 'route', 'Run again: the session continues on another device.'],
  DEVICE_STATE_LOST: [
    56,
    'route',
    'Feed the values from the CPU again: they lived on a lost device.',
  ],
  SELFTEST_FAILED: [
    57,
    'route',
    'Nothing to do: another candidate is tried. Report the device if none remains.',
  ],
  ROUTES_EXHAUSTED: [58, 'route', 'See attempts for the reason of each candidate.'],
  INTERNAL: [59, 'route', 'Report this as a bug with the model that shows it.'],
  DEVICE_UNAVAILABLE: [
    60,
    'route',
    'Nothing to do: another candidate is tried. The message says what the device lacks.',
  ],
  NETWORK_FAILED: [70, 'network', 'Check the connection and the URL.'],
  HTTP_STATUS: [
    71,
    'network',
    'Check the URL: the server answered with the status in the message.',
  ],
  NOT_A_MODEL: [
    72,
    'network',
    'Check the URL: the server answered with a web page instead of a model.',
  ],
  FILE_MISMATCH: [
    73,
    'network',
    'Publish the file together with its manifest: it is not the one that the manifest describes.',
  ],
  REMOTE_FAILED: [
    74,
    'network',
    'Check that the server in the message runs, has the model, and lets this page ask it (CORS).',
  ],
  REMOTE_TIMEOUT: [75, 'network', 'Raise remote.timeoutMs, or give the server more capacity.'],
  REMOTE_INVALID: [
    76,
    'network',
    'Use a server of the Open Inference Protocol v2 with binary tensor data that has the same model.',
  ],
  STORAGE_FAILED: [80, 'storage', "Free some storage or pass storage: 'none'."],
  STORAGE_FULL: [
    81,
    'storage',
    'Free some storage, remove models with models.remove(), or ask for more with models.persist().',
  ],
  STORAGE_BLOCKED: [
    82,
    'storage',
    'Allow this site to store data; private windows and frames of other sites may not.',
  ],
  STORAGE_MISSING: [
    83,
    'storage',
    'Serve the page over https: this browser or origin has no storage for files.',
  ],
} as const satisfies Record<string, readonly [number, ErrorScope, string]>;

export type ErrorCode = keyof typeof ERRORS;
