// find_operator() and find_function() that keep a record. A program that links recorded_lookups.cc
// has these in place of the core's.
#pragma once

#include <set>

#include "engine/functions/registry.h"
#include "ops/operator.h"

namespace sardonyx::tool {

struct Lookups {
  std::set<const Operator*> operators;
  std::set<const Function*> functions;
};

// What was asked for and is there, since the last call.
Lookups take_lookups();

// From now on only these are found. Null: all.
void restrict_lookups(const Lookups* allowed);

}  // namespace sardonyx::tool
