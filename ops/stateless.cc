#include "ops/operator.h"

namespace sardonyx {
namespace {

class StatelessKernel final : public Kernel {
 public:
  StatelessKernel(const Attributes& attributes, StatelessRun run)
      : attributes_(attributes), run_(run) {}
  Status run(const RunContext& context) const override { return run_(attributes_, context); }

 private:
  const Attributes& attributes_;  // owned by the lowering, which outlives its kernels
  StatelessRun run_;
};

}  // namespace

Result<KernelPtr> stateless(const KernelInit& init, StatelessRun run) {
  return KernelPtr(std::make_unique<StatelessKernel>(init.attributes, run));
}

}  // namespace sardonyx
