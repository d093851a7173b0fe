// What is known about the outputs of If, Loop and Scan, and about the insides of their bodies.
#pragma once

#include "base/status.h"
#include "engine/bodies.h"
#include "engine/infer.h"

namespace sardonyx {

// For a node of an operator with kControlFlow, after its shape rule: infers the bodies from
// facts.inputs and sets facts.outputs. ATTRIBUTE_INVALID when a body is missing or has too few or
// too many inputs or outputs, DTYPE_UNSUPPORTED when its types do not fit; errors within a body
// say so.
Status infer_control(const Node& node, NodeFacts& facts);

Status infer_if(const Node& node, NodeFacts& facts);
Status infer_loop(const Node& node, NodeFacts& facts);
Status infer_scan(const Node& node, NodeFacts& facts);

// --- what these have in common ---

// ATTRIBUTE_INVALID unless the body has so many inputs, captures not counted, and outputs.
Status check_body(const Node& node, const Body& body, size_t inputs, size_t outputs);
// Tells own input `i` of the body what it will be; DTYPE_UNSUPPORTED when it is declared otherwise.
Status set_body_input(const Body& body, size_t i, const ValueFacts& facts);
// The captures are told; then the body's nodes are resolved and inferred.
Status infer_body(const Node& node, const Body& body, const NodeFacts& facts);
ValueFacts body_output(const Body& body, size_t i);
// "float32", "sequence of int64".
std::string describe_type(const ValueFacts& facts);
bool same_type(const ValueFacts& a, const ValueFacts& b);
// Forgets the shape that the model declares for output `i`, if a node of the body makes it:
// iterations may change it.
void forget_output_shape(const Body& body, size_t i);
// `element` along a new axis; without a shape where the rank is unknown.
Result<ValueFacts> stacked(const ValueFacts& element, int64_t axis, int64_t count);

}  // namespace sardonyx
