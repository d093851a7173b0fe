// Packed weights, made once per (constant, packing).
#pragma once

#include <map>
#include <string>
#include <utility>

#include "ops/operator.h"

namespace sardonyx {

// Entries live as long as a kernel holds them. Thread-compatible.
class SharedPacks final : public PackCache {
 public:
  Result<std::shared_ptr<const Block>> get(const ConstantPtr& constant, std::string_view packing,
                                           const std::function<Result<Block>()>& make) override;
  // Bytes of the packs that are alive.
  size_t bytes() const;

 private:
  struct Entry {
    std::weak_ptr<const Constant> constant;  // keeps the key's address from being used again
    std::weak_ptr<const Block> pack;
  };
  std::map<std::pair<const Constant*, std::string>, Entry> entries_;
};

}  // namespace sardonyx
