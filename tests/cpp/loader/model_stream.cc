#include "tests/cpp/loader/model_stream.h"

#include <algorithm>
#include <cstring>

#include "tests/cpp/loader/onnx_models.h"

namespace sardonyx::testing {
namespace {

std::string length_field(uint32_t number, uint64_t length) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  for (; length >= 128; length >>= 7) bytes += static_cast<char>(length | 128);
  return bytes + static_cast<char>(length);
}

}  // namespace

ModelStream::ModelStream(int count, int64_t width) {
  const uint64_t bytes = static_cast<uint64_t>(width) * static_cast<uint64_t>(width) * 4;
  onnx::GraphProto graph;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    const std::string input = i ? "h" + std::to_string(i - 1) : "x";
    const std::string output = i + 1 < count ? "h" + number : "y";
    add_node(graph, "MatMul", {input, "w" + number}, {output});
  }
  pieces_.push_back({graph.SerializeAsString()});
  for (int i = 0; i < count; ++i) {
    onnx::TensorProto tensor;
    tensor.set_name("w" + std::to_string(i));
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(width);
    tensor.add_dims(width);
    const std::string head =
        tensor.SerializeAsString() + length_field(onnx::TensorProto::kRawDataFieldNumber, bytes);
    pieces_.push_back(
        {length_field(onnx::GraphProto::kInitializerFieldNumber, head.size() + bytes) + head,
         bytes});
  }
  graph.Clear();
  add_float_input(graph, "x", {1, width});
  add_output(graph, "y");
  pieces_.push_back({graph.SerializeAsString()});
  for (const Piece& piece : pieces_) size_ += piece.header.size() + piece.payload;
  onnx::ModelProto model = empty_model();
  model.clear_graph();
  const std::string head =
      model.SerializeAsString() + length_field(onnx::ModelProto::kGraphFieldNumber, size_);
  pieces_.insert(pieces_.begin(), Piece{head});
  size_ += head.size();
}

size_t ModelStream::read(std::span<uint8_t> buffer) {
  size_t filled = 0;
  while (filled < buffer.size() && piece_ < pieces_.size()) {
    const Piece& piece = pieces_[piece_];
    const uint64_t header = piece.header.size();
    const uint64_t left = header + piece.payload - position_;
    size_t count = static_cast<size_t>(std::min<uint64_t>(left, buffer.size() - filled));
    if (position_ < header) {
      count = static_cast<size_t>(std::min<uint64_t>(count, header - position_));
      memcpy(buffer.data() + filled, piece.header.data() + position_, count);
    } else {
      // 2^-10 as a float, at any offset.
      static constexpr uint8_t kWeight[4] = {0, 0, 0x80, 0x3a};
      for (size_t i = 0; i < count; ++i) buffer[filled + i] = kWeight[(position_ - header + i) % 4];
    }
    filled += count;
    position_ += count;
    if (position_ == header + piece.payload) {
      ++piece_;
      position_ = 0;
    }
  }
  return filled;
}

}  // namespace sardonyx::testing
