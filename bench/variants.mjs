// Files of one network with other numbers: what integers and half precision gain over our own fp32.

const VARIANTS = [
  ['squeezenet1_0_fp32', ['squeezenet1_0_qdq_int8', 'squeezenet1_0_fp16']],
  ['superres10', ['superres10_qlinear_int8']],
  ['yolox_nano', ['yolox_nano_qdq_int8']],
  ['stories260k_fp32', ['stories260k_int8dyn', 'stories260k_fp16']],
  ['stories260k_gqa_fp32', ['stories260k_gqa_q4', 'stories260k_gqa_q8']],
];

/** [{name, of, threads, ms, fp32Ms, ratio}], where both were measured; the ratio is above 1 where the variant is faster. */
export function variantsOf(models, threads) {
  const msOf = (wanted) =>
    models.find(({ name }) => name === wanted)?.threads[threads]?.sardonyx?.ms.median;
  return VARIANTS.flatMap(([of, names]) =>
    names.flatMap((name) => {
      const [ms, fp32Ms] = [msOf(name), msOf(of)];
      return ms && fp32Ms ? [{ name, of, threads, ms, fp32Ms, ratio: fp32Ms / ms }] : [];
    }),
  );
}
