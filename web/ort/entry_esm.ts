import '../assets_esm.js';
export * from './index.js';
import * as ort from './index.js';

// `import ort from …` is a common form too.
export default ort;
