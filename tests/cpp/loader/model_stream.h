// An ONNX file with large weights that never exists as a whole: it is made chunk by chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sardonyx::testing {

// x [1, width] → MatMul(w0) → … → y, with `count` square weights of width² floats.
class ModelStream {
 public:
  ModelStream(int count, int64_t width);

  uint64_t size() const { return size_; }
  // Fills the start of `buffer` with what comes next; 0 at the end.
  size_t read(std::span<uint8_t> buffer);

 private:
  struct Piece {
    std::string header;
    uint64_t payload = 0;  // bytes of weights behind it
  };
  std::vector<Piece> pieces_;
  uint64_t size_ = 0;
  size_t piece_ = 0;
  uint64_t position_ = 0;  // in the piece
};

}  // namespace sardonyx::testing
