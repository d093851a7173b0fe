// A trained transducer spells words out in phonemes: each step sees the letters, the phonemes so
// far and the letter that it is at.
#include <algorithm>
#include <string>
#include <vector>

#include "tests/cpp/golden/golden_case.h"
#include "tests/cpp/golden/reference_json.h"

namespace sardonyx::test {
namespace {

constexpr int32_t kBlank = 2;       // on to the next letter
constexpr size_t kMostTokens = 48;  // the blank in front among them

std::vector<int32_t> integers(std::string_view json) {
  std::vector<int32_t> out;
  for (double number : json_numbers(json)) out.push_back(static_cast<int32_t>(number));
  return out;
}

ConstantPtr tensor(const Shape& shape, const std::vector<int32_t>& values) {
  auto made = make_constant(DType::kInt32, shape);
  require_ok(made.status());
  std::copy(values.begin(), values.end(), (*made)->view().as<int32_t>());
  return made.take();
}

ConstantPtr row(const std::vector<int32_t>& values) {
  return tensor({1, static_cast<int64_t>(values.size())}, values);
}

std::vector<int32_t> decode(const Session& session, Run& run, const std::vector<int32_t>& letters) {
  std::vector<int32_t> predictions, phonemes = {kBlank};
  size_t at = 0;
  while (at < letters.size() && phonemes.size() < kMostTokens) {
    auto outputs = run_session(session, run,
                               {{"src", row(letters)},
                                {"tgt", row(phonemes)},
                                {"t", tensor({1}, {static_cast<int32_t>(at)})}});
    require_ok(outputs.status());
    predictions.push_back(*outputs->at("pred")->view().as<int32_t>());
    if (predictions.back() == kBlank) {
      ++at;
    } else {
      phonemes.push_back(predictions.back());
    }
  }
  return predictions;
}

TEST_CASE("golden: a transducer spells words as the reference does", "[golden]") {
  const std::string shared = shared_or_skip();
  auto session = load_session(shared + "/models/g2p_arpabet_rnnt.onnx");
  require_ok(session.status());
  Run run(**session);
  const std::string json = read_text(shared + "/golden/e2e/g2p_arpabet.json");
  const auto words = json_elements(json_value(json, "words"));
  REQUIRE(words.size() == 12);
  for (const std::string_view word : words) {
    CAPTURE(word);
    CHECK(decode(**session, run, integers(json_value(word, "src"))) ==
          integers(json_value(word, "preds")));
  }
}

}  // namespace
}  // namespace sardonyx::test
