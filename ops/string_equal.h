// Equal on strings.
#pragma once

#include "ops/operator.h"

namespace sardonyx::ops {

Result<KernelPtr> make_string_equal(const KernelInit& init);

}  // namespace sardonyx::ops
