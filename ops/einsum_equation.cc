#include "ops/einsum_equation.h"

#include <algorithm>

#include "ops/strided.h"

namespace sardonyx::ops {
namespace {

constexpr char kEllipsis = '.';

Status malformed(std::string_view equation) {
  return error(ErrorCode::ATTRIBUTE_INVALID, "attribute 'equation' is '%.*s'",
               static_cast<int>(std::min<size_t>(equation.size(), 200)), equation.data());
}

// Labels of one operand or of the output; an ellipsis is one '.'.
class Term {
 public:
  bool push_back(char label) {
    if (size_ == static_cast<int>(labels_.size())) return false;
    if (label == kEllipsis && has(kEllipsis)) return false;
    labels_[static_cast<size_t>(size_++)] = label;
    return true;
  }
  int size() const { return size_; }
  char operator[](int i) const { return labels_[static_cast<size_t>(i)]; }
  bool has(char label) const { return count(label) > 0; }
  int count(char label) const {
    return static_cast<int>(std::count(labels_.begin(), labels_.begin() + size_, label));
  }
  // Axes that the ellipsis stands for; negative when there are too few.
  int hidden_axes(int rank) const { return has(kEllipsis) ? rank - (size_ - 1) : 0; }

 private:
  std::array<char, kMaxRank + 1> labels_{};
  int size_ = 0;
};

struct Equation {
  std::array<Term, kMaxEinsumOperands> operands;
  int count = 1;
  Term output;
};

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Status add_implicit_output(Equation& equation) {
  const auto total = [&](char label) {
    int out = 0;
    for (int i = 0; i < equation.count; ++i) {
      out += equation.operands[static_cast<size_t>(i)].count(label);
    }
    return out;
  };
  bool fits = total(kEllipsis) == 0 || equation.output.push_back(kEllipsis);
  for (char label = 'A'; label <= 'z'; ++label) {
    if (is_letter(label) && total(label) == 1) fits = fits && equation.output.push_back(label);
  }
  if (fits) return {};
  return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
}

Result<Equation> parse(std::string_view text) {
  Equation out;
  bool in_output = false;
  for (size_t i = 0; i < text.size(); ++i) {
    Term& term = in_output ? out.output : out.operands[static_cast<size_t>(out.count - 1)];
    const char c = text[i];
    if (c == ' ') continue;
    if (is_letter(c)) {
      if ((in_output && term.has(c)) || !term.push_back(c)) return malformed(text);
    } else if (text.substr(i, 3) == "...") {
      if (!term.push_back(kEllipsis)) return malformed(text);
      i += 2;
    } else if (c == ',' && !in_output && out.count < kMaxEinsumOperands) {
      ++out.count;
    } else if (text.substr(i, 2) == "->" && !in_output) {
      in_output = true;
      i += 1;
    } else {
      return malformed(text);
    }
  }
  if (!in_output) SX_TRY(add_implicit_output(out));
  return out;
}

// Gives loops to labels, and to the axes of the ellipsis, aligned at the last.
class LoopBuilder {
 public:
  LoopBuilder(std::string_view text, const Equation& equation, std::span<const Shape* const> shapes)
      : text_(text), equation_(equation), shapes_(shapes) {}

  Result<EinsumLoops> build() {
    loops_.operands = equation_.count;
    SX_TRY(check_ranks());
    for (int i = 0; i < equation_.output.size(); ++i) SX_TRY(add_output(equation_.output[i]));
    loops_.outer = loops_.count;
    if (loops_.outer > kMaxRank) {
      return error(ErrorCode::LIMIT_EXCEEDED, "the output has more than %d dims", kMaxRank);
    }
    for (int i = 0; i < equation_.count; ++i) SX_TRY(walk(static_cast<size_t>(i)));
    for (int j = 0; j < loops_.outer; ++j) {
      if (!seen_[static_cast<size_t>(j)]) return malformed(text_);
    }
    return loops_;
  }

 private:
  Status check_ranks() {
    for (int i = 0; i < equation_.count; ++i) {
      const Term& term = equation_.operands[static_cast<size_t>(i)];
      const int rank = shapes_[static_cast<size_t>(i)]->rank();
      const int hidden = term.hidden_axes(rank);
      if (hidden < 0 || (!term.has(kEllipsis) && term.size() != rank)) {
        return error(ErrorCode::SHAPE_MISMATCH, "operand %d has shape %s: the equation is '%.*s'",
                     i, shapes_[static_cast<size_t>(i)]->to_string().c_str(),
                     static_cast<int>(text_.size()), text_.data());
      }
      hidden_ = std::max(hidden_, hidden);
    }
    return {};
  }

  Status add_output(char label) {
    if (label != kEllipsis) return add_loop(label);
    for (int k = hidden_; k > 0; --k) SX_TRY(add_loop(static_cast<char>(k)));
    return {};
  }

  // Hidden axes are named by their distance from the last one, from 1.
  Status add_loop(char name) {
    if (loops_.count == kMaxEinsumLoops) {
      return error(ErrorCode::LIMIT_EXCEEDED, "more than %d labels", kMaxEinsumLoops);
    }
    names_[static_cast<size_t>(loops_.count)] = name;
    loops_.dims[static_cast<size_t>(loops_.count++)] = 1;
    return {};
  }

  Status walk(size_t operand) {
    const Term& term = equation_.operands[operand];
    const Shape& shape = *shapes_[operand];
    // Those of unknown dims are of no use, those of excessive ones could overflow.
    const auto strides = dense_strides(shape.elements() ? shape : Shape());
    int axis = 0;
    for (int i = 0; i < term.size(); ++i) {
      const int repeat = term[i] == kEllipsis ? term.hidden_axes(shape.rank()) : 1;
      for (int k = repeat; k > 0; --k, ++axis) {
        const char name = term[i] == kEllipsis ? static_cast<char>(k) : term[i];
        SX_TRY(use(operand, name, shape[axis], strides[static_cast<size_t>(axis)]));
      }
    }
    return {};
  }

  Status use(size_t operand, char name, int64_t dim, int64_t stride) {
    const auto begin = names_.begin();
    auto place = static_cast<size_t>(std::find(begin, begin + loops_.count, name) - begin);
    if (place == static_cast<size_t>(loops_.count)) SX_TRY(add_loop(name));
    seen_[place] = true;
    int64_t& known = loops_.dims[place];
    if (dim != 1 && known != 1 && dim >= 0 && known >= 0 && dim != known) {
      return error(ErrorCode::SHAPE_MISMATCH, "dims of %lld and %lld share a label in '%.*s'",
                   static_cast<long long>(known), static_cast<long long>(dim),
                   static_cast<int>(text_.size()), text_.data());
    }
    if (known == 1 || (known < 0 && dim > 1)) known = dim;
    if (dim != 1) loops_.strides[operand][place] += stride;
    return {};
  }

  std::string_view text_;
  const Equation& equation_;
  std::span<const Shape* const> shapes_;
  EinsumLoops loops_;
  std::array<char, kMaxEinsumLoops> names_{};
  std::array<bool, kMaxEinsumLoops> seen_{};
  int hidden_ = 0;
};

}  // namespace

Result<EinsumLoops> einsum_loops(std::string_view equation, std::span<const Shape* const> shapes) {
  SX_ASSIGN(const Equation parsed, parse(equation));
  if (static_cast<size_t>(parsed.count) != shapes.size()) {
    return error(ErrorCode::ATTRIBUTE_INVALID, "an equation for %d operands, %zu are given",
                 parsed.count, shapes.size());
  }
  return LoopBuilder(equation, parsed, shapes).build();
}

}  // namespace sardonyx::ops
