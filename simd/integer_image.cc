#include "simd/integer_image.h"

#include <algorithm>
#include <cstring>

#include "base/checked.h"
#include "simd/parallel.h"
#include "simd/unroll.h"

namespace sardonyx::simd {
namespace {

constexpr double kNsPerByte = 0.05;
constexpr int64_t kVector = 16;

// Both write whole vectors where those fit in front of `end`, and return what follows the bytes.
uint8_t* copy_bytes(const uint8_t* from, int64_t count, uint8_t* to, const uint8_t* end) {
  if (round_up(count, kVector) > end - to) {
    std::memcpy(to, from, static_cast<size_t>(count));
  } else {
    SX_ROLLED
    for (int64_t i = 0; i < count; i += kVector) {
      wasm_v128_store(to + i, wasm_v128_load(from + i));
    }
  }
  return to + count;
}
uint8_t* fill_bytes(uint8_t* to, int64_t count, uint8_t value, const uint8_t* end) {
  if (round_up(count, kVector) > end - to) {
    std::memset(to, value, static_cast<size_t>(count));
  } else {
    const v128_t bytes = wasm_u8x16_splat(value);
    SX_ROLLED
    for (int64_t i = 0; i < count; i += kVector) wasm_v128_store(to + i, bytes);
  }
  return to + count;
}

}  // namespace

int pixel_runs(int64_t begin, int64_t end, int64_t width, int64_t row_step, int64_t step,
               PixelRun* runs) {
  int count = 0;
  for (int64_t pixel = begin; pixel < end;) {
    const int64_t column = pixel % width, pixels = std::min(width - column, end - pixel);
    const int64_t from = pixel / width * row_step + column * step;
    PixelRun* last = runs + count - 1;
    if (count > 0 && from == last->from + last->count * step) {
      last->count += pixels;
    } else {
      runs[count++] = {from, pixel - begin, pixels};
    }
    pixel += pixels;
  }
  return count;
}

Result<IntegerImage> IntegerImage::make(const ConvShape& shape, int64_t rows, int64_t columns) {
  IntegerImage image;
  image.channels_ = shape.in_channels;
  image.in_rows_ = shape.in[1];
  image.in_columns_ = shape.in[2];
  image.top_ = shape.pad[1];
  image.left_ = shape.pad[2];
  image.staged_ = image.top_ > 0 || image.left_ > 0 || rows > shape.in[1] || columns > shape.in[2];
  image.rows_ = std::max(rows, shape.in[1]);
  image.columns_ = std::max(columns, shape.in[2]);
  const auto plane = checked_mul(image.rows_, image.columns_);
  const auto total = plane ? checked_mul(*plane, image.channels_) : std::nullopt;
  if (!total || *total > static_cast<int64_t>(kMaxTensorBytes) - kSlack) {
    return error(ErrorCode::LIMIT_EXCEEDED,
                 "the padded input of a convolution is above the limit of 2 GiB");
  }
  return image;
}

Result<const uint8_t*> IntegerImage::stage(const uint8_t* x, uint8_t zero, uint8_t* scratch) const {
  if (!staged_) return x;
  // Rows and columns that no window reaches are left out.
  const int64_t left = std::min(left_, columns_), top = std::min(top_, rows_);
  const int64_t rows = std::min(in_rows_, rows_ - top);
  const int64_t count = std::min(in_columns_, columns_ - left);
  const int64_t grain = grain_for(kNsPerByte * static_cast<double>(plane()));
  SX_TRY(parallel_for(channels_, grain, [=, this](int64_t begin, int64_t end) {
    for (int64_t channel = begin; channel < end; ++channel) {
      const uint8_t* from = x + channel * in_rows_ * in_columns_;
      uint8_t* to = scratch + channel * plane();
      const uint8_t* end_of_plane = to + plane();
      to = fill_bytes(to, rows > 0 ? top * columns_ + left : plane(), zero, end_of_plane);
      for (int64_t row = 1; row <= rows; ++row, from += in_columns_) {
        to = copy_bytes(from, count, to, end_of_plane);
        const int64_t gap = row < rows ? columns_ - count : end_of_plane - to;
        to = fill_bytes(to, gap, zero, end_of_plane);
      }
    }
  }));
  return static_cast<const uint8_t*>(scratch);
}

void put_integer_row(const IntegerOutput& output, int64_t channel, int32_t start,
                     const int32_t* sums, int64_t count, int64_t out) {
  if (output.quantize) {
    return requantize_row(*output.quantize, channel, start, sums, count,
                          static_cast<uint8_t*>(output.data) + out);
  }
  finish_row(output, channel, start, sums, count, static_cast<int32_t*>(output.data) + out);
}

}  // namespace sardonyx::simd
