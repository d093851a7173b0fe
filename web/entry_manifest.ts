// manifest.mjs: what a page downloads only for a model with a manifest.
export { validate } from '../manifest/validate.generated.js';
export { MODELS } from '../router/calibration_models.generated.js';
