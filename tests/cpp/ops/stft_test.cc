#include <cmath>
#include <limits>
#include <numbers>

#include <catch2/catch_test_macros.hpp>

#include "tests/cpp/ops/op_test.h"

namespace sardonyx::test {
namespace {

TestTensor reference_stft(const TestTensor& signal, int64_t step, const TestTensor& window,
                          bool onesided) {
  const int64_t length = window.size(), samples = signal.shape[1];
  const int64_t parts = signal.shape.rank() == 3 ? signal.shape[2] : 1;
  const int64_t count = (samples - length) / step + 1, bins = onesided ? length / 2 + 1 : length;
  TestTensor y = make_tensor(DType::kFloat32, {signal.shape[0], count, bins, 2});
  for (int64_t at = 0; at < y.size() / 2; ++at) {
    const int64_t k = at % bins, frame = at / bins % count, batch = at / bins / count;
    double real = 0, imaginary = 0;
    for (int64_t i = 0; i < length; ++i) {
      const int64_t from = (batch * samples + frame * step + i) * parts;
      const double w = element(window, i), a = w * element(signal, from);
      const double b = parts == 2 ? w * element(signal, from + 1) : 0;
      const double angle =
          -2 * std::numbers::pi * static_cast<double>(i * k % length) / static_cast<double>(length);
      real += a * std::cos(angle) - b * std::sin(angle);
      imaginary += a * std::sin(angle) + b * std::cos(angle);
    }
    set_element(y, 2 * at, real);
    set_element(y, 2 * at + 1, imaginary);
  }
  return y;
}

TEST_CASE("STFT with windows and without", "[stft]") {
  for (const Shape& shape : {Shape{2, 40, 1}, Shape{1, 33}, Shape{1, 20, 2}}) {
    for (bool onesided : {true, false}) {
      if (onesided && shape.rank() == 3 && shape[2] == 2) continue;
      const TestTensor signal = random_f32(shape, 1), window = random_f32({10}, 2);
      TestTensor ones = window;
      for (int64_t i = 0; i < 10; ++i) set_element(ones, i, 1);
      const auto test = [&] {
        OpTest out("STFT", 17);
        out.set("onesided", onesided ? 1 : 0).tolerance(1e-4, 1e-4);
        return out.input(signal).weight(scalar<int64_t>(7));
      };
      const TestTensor windowed = reference_stft(signal, 7, window, onesided);
      test().weight(window).expect(windowed).run();
      test().weight(window).weight(scalar<int64_t>(10)).expect(windowed).run();
      const TestTensor plain = reference_stft(signal, 7, ones, onesided);
      test().absent().weight(scalar<int64_t>(10)).expect(plain).run();
    }
  }
}

TEST_CASE("STFT keeps a NaN within its frame", "[stft]") {
  for (const int64_t at : {int64_t{3}, int64_t{14}}) {
    TestTensor signal = random_f32({1, 20}, 1);
    const TestTensor window = random_f32({10}, 2, 1, 2);
    TestTensor y = reference_stft(signal, 10, window, true);
    set_element(signal, at, std::numeric_limits<double>::quiet_NaN());
    const int64_t half = y.size() / 2, first = at / 10 * half;
    for (int64_t i = first; i < first + half; ++i) {
      set_element(y, i, std::numeric_limits<double>::quiet_NaN());
    }
    OpTest("STFT", 17)
        .tolerance(1e-4, 1e-4)
        .input(signal)
        .weight(scalar<int64_t>(10))
        .weight(window)
        .expect(y)
        .run();
  }
}

TEST_CASE("STFT refuses what does not fit", "[stft]") {
  const TestTensor signal = random_f32({1, 20}, 1), window = random_f32({8}, 2);
  const auto test = [&](int64_t step) {
    OpTest out("STFT", 17);
    return out.input(signal).input(scalar<int64_t>(step));
  };
  test(4).fails(ErrorCode::GRAPH_INPUT_MISSING);
  test(0).weight(window).fails(ErrorCode::VALUE_RANGE);
  test(-1).weight(window).fails(ErrorCode::VALUE_RANGE);
  test(4).absent().input(scalar<int64_t>(21)).fails(ErrorCode::VALUE_RANGE);
  test(4).weight(window).input(scalar<int64_t>(7)).fails(ErrorCode::VALUE_RANGE);
  test(4).weight(random_f32({2, 4}, 1)).fails(ErrorCode::SHAPE_MISMATCH);
}

}  // namespace
}  // namespace sardonyx::test
