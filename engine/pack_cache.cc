#include "engine/pack_cache.h"

namespace sardonyx {

Result<std::shared_ptr<const Block>> SharedPacks::get(const ConstantPtr& constant,
                                                      std::string_view packing,
                                                      const std::function<Result<Block>()>& make) {
  Entry& entry = entries_[{constant.get(), std::string(packing)}];
  if (std::shared_ptr<const Block> pack = entry.pack.lock()) return pack;
  SX_ASSIGN(Block block, make());
  auto pack = std::make_shared<const Block>(std::move(block));
  entry = {constant, pack};
  return pack;
}

size_t SharedPacks::bytes() const {
  size_t total = 0;
  for (const auto& [key, entry] : entries_) {
    if (const auto pack = entry.pack.lock()) total += pack->size();
  }
  return total;
}

}  // namespace sardonyx
