#include "tests/cpp/conformance/attribute_mutation.h"

#include "tests/cpp/conformance/tensor_mutation.h"

namespace sardonyx::test {
namespace {

using onnx::AttributeProto;

constexpr const char* kNames[] = {"axis",
                                  "axes",
                                  "keepdims",
                                  "group",
                                  "pads",
                                  "strides",
                                  "dilations",
                                  "kernel_shape",
                                  "auto_pad",
                                  "output_padding",
                                  "output_shape",
                                  "blocksize",
                                  "block_size",
                                  "perm",
                                  "to",
                                  "mode",
                                  "num_outputs",
                                  "k",
                                  "largest",
                                  "ceil_mode",
                                  "starts",
                                  "ends",
                                  "hidden_size",
                                  "direction",
                                  "num_heads",
                                  "q_num_heads",
                                  "kv_num_heads",
                                  "batch_axis",
                                  "time_axis",
                                  "select_last_index",
                                  "batch_dims",
                                  "shape",
                                  "value",
                                  "num_scan_inputs",
                                  "scan_input_axes",
                                  "broadcast",
                                  "layout",
                                  "equation",
                                  "allowzero",
                                  "onesided",
                                  "detect_positive",
                                  "epsilon",
                                  "alpha",
                                  "beta",
                                  "transA",
                                  "reduction",
                                  "size",
                                  "dtype",
                                  "activations",
                                  "storage_order",
                                  "count_include_pad",
                                  "sampling_ratio",
                                  "output_height",
                                  "scales",
                                  "split"};

constexpr const char* kTexts[] = {"",
                                  "SAME_UPPER",
                                  "SAME_LOWER",
                                  "VALID",
                                  "NOTSET",
                                  "nearest",
                                  "linear",
                                  "cubic",
                                  "reflect",
                                  "edge",
                                  "wrap",
                                  "reverse",
                                  "bidirectional",
                                  "forward",
                                  "zeros",
                                  "border",
                                  "add",
                                  "mul",
                                  "max",
                                  "none",
                                  "mean",
                                  "sum",
                                  "DCR",
                                  "CRD",
                                  "ij,jk->ik",
                                  "...",
                                  "->",
                                  "iii->i",
                                  "a,b->",
                                  "bilinear",
                                  "tf_crop_and_resize",
                                  "Tanh",
                                  "no such word",
                                  "\xff\xfe"};

std::string place(const onnx::NodeProto& node, const AttributeProto& attribute) {
  return node.op_type() + "." + attribute.name();
}

void mutate_ints(AttributeProto& attribute, Draw& draw) {
  const size_t count = static_cast<size_t>(attribute.ints_size());
  const size_t way = draw.below(6);
  if (way == 0 || count == 0) {
    attribute.add_ints(draw.whole());
  } else if (way == 1) {
    attribute.mutable_ints()->RemoveLast();
  } else if (way == 2) {
    attribute.set_ints(static_cast<int>(draw.below(count)), attribute.ints(0));
  } else {
    attribute.set_ints(static_cast<int>(draw.below(count)), draw.whole());
  }
}

std::string ints_text(const AttributeProto& attribute) {
  std::string text;
  for (const int64_t value : attribute.ints()) text += " " + std::to_string(value);
  return text;
}

void mutate_list(AttributeProto& attribute, Draw& draw) {
  if (attribute.type() == AttributeProto::FLOATS) {
    if (attribute.floats_size() > 0 && draw.one_in(2)) attribute.mutable_floats()->RemoveLast();
    if (draw.one_in(2)) attribute.add_floats(static_cast<float>(draw.real()));
  } else {
    if (attribute.strings_size() > 0 && draw.one_in(2)) attribute.mutable_strings()->RemoveLast();
    if (draw.one_in(2)) attribute.add_strings(draw.from(kTexts));
  }
}

void mutate_value(const onnx::NodeProto& node, AttributeProto& attribute, Draw& draw) {
  const std::string name = place(node, attribute);
  switch (attribute.type()) {
    case AttributeProto::INT:
      attribute.set_i(draw.whole());
      return draw.tell(name + " = " + std::to_string(attribute.i()));
    case AttributeProto::FLOAT:
      attribute.set_f(static_cast<float>(draw.real()));
      return draw.tell(name + " = " + std::to_string(attribute.f()));
    case AttributeProto::STRING:
      attribute.set_s(draw.from(kTexts));
      return draw.tell(name + " = '" + attribute.s() + "'");
    case AttributeProto::INTS:
      mutate_ints(attribute, draw);
      return draw.tell(name + " =" + ints_text(attribute));
    case AttributeProto::TENSOR:
      draw.tell(name);
      return mutate_tensor(*attribute.mutable_t(), draw);
    case AttributeProto::FLOATS:
    case AttributeProto::STRINGS:
      mutate_list(attribute, draw);
      return draw.tell(name + " is another list");
    default:
      return;  // the nodes of graphs are mutated for themselves
  }
}

void add(onnx::NodeProto& node, Draw& draw) {
  AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(draw.from(kNames));
  static constexpr AttributeProto::AttributeType kTypes[] = {
      AttributeProto::INT, AttributeProto::INT, AttributeProto::INTS, AttributeProto::STRING,
      AttributeProto::FLOAT};
  attribute.set_type(draw.from(kTypes));
  const size_t ints = draw.below(4);
  for (size_t i = 0; i < ints; ++i) attribute.add_ints(draw.whole());
  draw.tell("added");
  mutate_value(node, attribute, draw);
}

}  // namespace

void mutate_attributes(onnx::NodeProto& node, Draw& draw) {
  if (node.attribute_size() == 0 || draw.one_in(6)) return add(node, draw);
  const size_t index = draw.below(static_cast<size_t>(node.attribute_size()));
  AttributeProto& attribute = *node.mutable_attribute(static_cast<int>(index));
  switch (draw.below(10)) {
    case 0:
      draw.tell("without " + place(node, attribute));
      node.mutable_attribute()->DeleteSubrange(static_cast<int>(index), 1);
      break;
    case 1:
      draw.tell(place(node, attribute) + " of another type");
      attribute.set_type(static_cast<AttributeProto::AttributeType>(draw.below(15)));
      break;
    case 2:
      draw.tell(place(node, attribute) + " renamed");
      attribute.set_name(draw.from(kNames));
      break;
    default:
      mutate_value(node, attribute, draw);
  }
}

}  // namespace sardonyx::test
