// SPDX-License-Identifier: MIT
#include "probe/filter_tests.hpp"

namespace sillage::probe {
namespace {

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

bool is_arithmetic(FilterCode code) { return code < FilterCode::kMoveK; }
bool is_arithmetic_k(FilterCode code) {
  return code >= FilterCode::kMoveK && code <= FilterCode::kShiftRightSignedK;
}
bool is_load(FilterCode code) {
  return code >= FilterCode::kLoad1 && code <= FilterCode::kLoadSigned4;
}
bool is_if(FilterCode code) {
  return code >= FilterCode::kIfEqual && code <= FilterCode::kIfAnyBit;
}
bool is_if_k(FilterCode code) {
  return code >= FilterCode::kIfEqualK && code <= FilterCode::kIfAnyBitK;
}

std::uint16_t bit(std::uint32_t reg) { return static_cast<std::uint16_t>(1u << reg); }

std::uint32_t arguments_of(std::uint32_t helper) {
  switch (helper) {
    case SILLAGE_FILTER_CONTEXT:
    case SILLAGE_FILTER_REAL_OF_INTEGER:
    case SILLAGE_FILTER_REAL_OF_FLOAT: return bit(1);
    case SILLAGE_FILTER_MATCH: return bit(1) | bit(2) | bit(3);
    default: return bit(1) | bit(2);
  }
}

/// The registers that matter in front of an operation, of those that matter behind it.
std::uint16_t live_before(const FilterOp& op, std::uint16_t behind) {
  const auto without = [&](std::uint32_t reg) {
    return static_cast<std::uint16_t>(behind & ~bit(reg));
  };
  const auto with = [](std::uint16_t set, std::uint32_t reg) {
    return static_cast<std::uint16_t>(set | bit(reg));
  };
  if (op.code == FilterCode::kMove) return with(without(op.to), op.from);
  if (op.code == FilterCode::kMoveK || op.code == FilterCode::kMoveWide) return without(op.to);
  if (is_load(op.code)) return without(op.to);
  if (is_arithmetic(op.code) || is_if(op.code)) return with(with(behind, op.to), op.from);
  if (is_arithmetic_k(op.code) || is_if_k(op.code)) return with(behind, op.to);
  switch (op.code) {
    case FilterCode::kSwap16:
    case FilterCode::kSwap32:
    case FilterCode::kSwap64: return with(behind, op.to);
    case FilterCode::kStore: return with(behind, op.from);
    case FilterCode::kCall: return static_cast<std::uint16_t>(without(0) | arguments_of(op.at));
    case FilterCode::kExit: return bit(0);
    default: return behind;
  }
}

/// One pass from the end is enough: nothing jumps back.
void find_live(const FilterOp* ops, std::uint32_t count, std::uint16_t* live) {
  for (std::uint32_t at = count; at-- > 0;) {
    const FilterOp& op = ops[at];
    const std::uint32_t next = at + (op.code == FilterCode::kMoveWide ? 2 : 1);
    std::uint16_t behind = next < count ? live[next] : 0;
    if (op.code == FilterCode::kJump) behind = live[op.at];
    if (is_if(op.code) || is_if_k(op.code))
      behind = static_cast<std::uint16_t>(behind | live[op.at]);
    live[at] = live_before(op, behind);
  }
}

/// The range of values for which a comparison is true, or those for which it is not.
struct Range {
  std::uint64_t low, range;
  bool is_inverted;
};

bool find_range(FilterCode code, std::uint64_t constant, Range* range) {
  switch (code) {
    case FilterCode::kIfEqualK: *range = {constant, 0, false}; return true;
    case FilterCode::kIfNotEqualK: *range = {constant, 0, true}; return true;
    case FilterCode::kIfLessK: *range = {constant, ~kSignBit - constant, true}; return true;
    case FilterCode::kIfGreaterOrEqualK:
      *range = {constant, ~kSignBit - constant, false};
      return true;
    case FilterCode::kIfLessOrEqualK: *range = {kSignBit, constant - kSignBit, false}; return true;
    case FilterCode::kIfGreaterK: *range = {kSignBit, constant - kSignBit, true}; return true;
    case FilterCode::kIfBelowK: *range = {constant, UINT64_MAX - constant, true}; return true;
    case FilterCode::kIfAboveOrEqualK:
      *range = {constant, UINT64_MAX - constant, false};
      return true;
    case FilterCode::kIfBelowOrEqualK: *range = {0, constant, false}; return true;
    case FilterCode::kIfAboveK: *range = {0, constant, true}; return true;
    default: return false;
  }
}

/// The test that begins at an operation, without its targets; `jump` is the operation that decides.
bool find_test(const FilterOp* ops, std::uint32_t count, const std::uint16_t* live,
               std::uint32_t at, FilterTest* test, std::uint32_t* jump) {
  const FilterOp& load = ops[at];
  if (!is_load(load.code) || load.from != kFilterPrefix || at + 1 >= count) return false;
  std::uint32_t next = at + 1;
  *test = {};
  test->mask = UINT64_MAX;
  if (ops[next].code == FilterCode::kAndK && ops[next].to == load.to)
    test->mask = ops[next++].constant;
  if (next + 1 >= count || ops[next].to != load.to) return false;
  Range range;
  if (!find_range(ops[next].code, ops[next].constant, &range)) return false;
  if (((live[next + 1] | live[ops[next].at]) & bit(load.to)) != 0) return false;
  test->low = range.low;
  test->range = range.range;
  test->place = static_cast<std::uint16_t>(load.at);
  test->load = load.code;
  *jump = next;
  return true;
}

/// The comparison of a text that begins at an operation: its arguments, the call, and a jump by the answer.
bool find_text_test(const FilterProgramParts& parts, const std::uint16_t* live, std::uint32_t at,
                    FilterTest* test, std::uint32_t* jump) {
  const FilterOp* ops = parts.ops;
  std::uint32_t next = at;
  std::uint64_t arguments[3] = {};
  while (next - at < 3 && next < parts.op_count && ops[next].code == FilterCode::kMoveK &&
         ops[next].to == next - at + 1)
    arguments[next - at] = ops[next].constant, next++;
  if (next + 2 >= parts.op_count || ops[next].code != FilterCode::kCall) return false;
  const std::uint32_t helper = ops[next].at;
  if (helper != (next - at == 2   ? std::uint32_t{SILLAGE_FILTER_ORDER_LITERAL}
                 : next - at == 3 ? std::uint32_t{SILLAGE_FILTER_MATCH}
                                  : 0u))
    return false;
  if (arguments[0] >= parts.field_count || !is_filter_text(parts.fields[arguments[0]]) ||
      arguments[1] >= parts.literal_count ||
      (helper == SILLAGE_FILTER_MATCH &&
       (arguments[2] < 2 || arguments[2] > parts.literal_count - arguments[1])))
    return false;
  next++;
  Range range;
  if (ops[next].to != 0 || !find_range(ops[next].code, ops[next].constant, &range)) return false;
  const std::uint32_t changed = bit(0) | bit(1) | bit(2) | bit(3);
  if (((live[next + 1] | live[ops[next].at]) & changed) != 0) return false;
  *test = {};
  test->mask = UINT64_MAX;
  test->low = range.low;
  test->range = range.range;
  test->place = static_cast<std::uint16_t>(arguments[0]);
  test->load = FilterCode::kCall;
  test->literal = static_cast<std::uint16_t>(arguments[1]);
  test->pieces = static_cast<std::uint16_t>(arguments[2]);
  *jump = next;
  return true;
}

/// What an operation comes to without doing anything.
FilterTarget target_of(const FilterOp* ops, const FilterTest* tests, std::uint32_t at) {
  while (ops[at].code == FilterCode::kJump) at = ops[at].at;
  if (ops[at].code == FilterCode::kMoveK && ops[at].to == 0 &&
      ops[at + 1].code == FilterCode::kExit)
    return {FilterTarget::kAnswer, ops[at].constant != 0 ? 1u : 0u};
  // 0: no test begins there.
  if (tests[at].mask != 0) return {FilterTarget::kTest, at};
  return {FilterTarget::kOp, at};
}

}  // namespace

bool make_tests(const FilterProgramParts& parts, FilterTest* tests, std::uint16_t* live,
                FilterTarget* start) {
  const FilterOp* ops = parts.ops;
  const std::uint32_t count = parts.op_count;
  find_live(ops, count, live);
  if (live[0] != 0) return false;
  for (std::uint32_t at = count; at-- > 0;) {
    FilterTest test;
    std::uint32_t jump;
    tests[at] = {};
    if (!find_text_test(parts, live, at, &test, &jump) &&
        !find_test(ops, count, live, at, &test, &jump))
      continue;
    if (test.mask == 0) continue;
    Range range;
    (void)find_range(ops[jump].code, ops[jump].constant, &range);
    const FilterTarget is_true = target_of(ops, tests, ops[jump].at);
    const FilterTarget is_false = target_of(ops, tests, jump + 1);
    test.inside = range.is_inverted ? is_false : is_true;
    test.outside = range.is_inverted ? is_true : is_false;
    tests[at] = test;
  }
  *start = target_of(ops, tests, 0);
  return true;
}

}  // namespace sillage::probe
