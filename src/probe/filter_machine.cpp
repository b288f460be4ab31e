// SPDX-License-Identifier: MIT
#include "probe/filter_machine.hpp"

#include "abi/app_protocol.h"
#include "abi/catalog.h"
#include "probe/app_context.hpp"
#include "probe/filter_text.hpp"
#include "probe/real_numbers.hpp"
#include "probe/strings.hpp"

#include <cstring>

namespace sillage::probe {
namespace {

/// What abi/filter.h calls a cell: of a VALUE its bits and whether it is there, of a text where it lies.
struct Cell {
  std::uint64_t value;
  std::uint64_t presence;  // of a text: its limit
};
static_assert(sizeof(Cell) == 16);

/// Finds the fields of an event among its parts, in order.
///
/// The header that made the parts may be any release's: small values may share a part or not. What is sure is
/// their order, that no value of fixed size lies in two parts, and that a string or the elements of a sequence are one part.
class FieldWalk {
 public:
  explicit FieldWalk(const FilterEvent& event) : FieldWalk(event.parts, event.part_count) {}
  FieldWalk(const sillage_part* parts, std::uint32_t count) : part_(parts), end_(parts + count) {}

  /// The next field of that description; false if the parts do not have it.
  bool take(const sillage_field& field, FilterText* data) {
    switch (field.kind) {
      case SILLAGE_KIND_STRING: return take_string(data);
      case SILLAGE_KIND_TEXT_SEQUENCE:
      case SILLAGE_KIND_SEQUENCE:
      case SILLAGE_KIND_BLOB_SEQUENCE: return take_elements(field.count, data);
      case SILLAGE_KIND_TEXT_ARRAY:
      case SILLAGE_KIND_BLOB: return take_bytes(field.count, data);
      case SILLAGE_KIND_ARRAY: return take_bytes(std::uint64_t{field.count} * field.size, data);
      default: return take_bytes(field.size, data);
    }
  }

 private:
  bool take_bytes(std::uint64_t bytes, FilterText* data) {
    *data = {"", 0};
    if (bytes == 0) return true;
    while (part_ != end_ && done_ == part_->bytes && is_bytes()) next();
    if (part_ == end_ || !is_bytes() || part_->bytes - done_ < bytes) return false;
    *data = {static_cast<const char*>(part_->data) + done_, bytes};
    done_ += static_cast<std::uint32_t>(bytes);
    return true;
  }

  bool take_string(FilterText* data) {
    while (part_ != end_ && is_bytes()) next();
    if (part_ == end_) return false;
    *data = part_->data == nullptr
                ? FilterText{kNullString, kNullStringLength}
                : FilterText{static_cast<const char*>(part_->data), part_->bytes};
    next();
    return true;
  }

  /// `count_bytes`: of the number of elements; 0 stands for 4 (abi/catalog.h).
  bool take_elements(std::uint32_t count_bytes, FilterText* data) {
    FilterText count;
    if (!take_bytes(count_bytes == 0 ? 4 : count_bytes, &count)) return false;
    next();
    if (part_ == end_ || !is_bytes()) return false;
    *data = {static_cast<const char*>(part_->data), part_->bytes};
    next();
    return true;
  }

  [[nodiscard]] bool is_bytes() const {
    return (part_->kind & ~std::uint32_t{SILLAGE_PART_NOWRITE}) == SILLAGE_PART_BYTES;
  }
  void next() {
    part_++;
    done_ = 0;
  }

  const sillage_part* part_;
  const sillage_part* const end_;
  std::uint32_t done_ = 0;
};

/// Finds the fields of an event in a payload that is in one piece, as it will stand in the record.
class PayloadWalk {
 public:
  explicit PayloadWalk(const FilterEvent& event)
      : at_(static_cast<const char*>(event.parts->data)),
        end_(at_ + event.parts->bytes),
        unwritten_(event.unwritten, event.unwritten_count),
        has_unwritten_(event.unwritten_count != 0) {}

  /// The next field of that description: nothing of one that is neither recorded nor given beside; false if the payload does not have it.
  bool take(const sillage_field& field, FilterText* data) {
    *data = {"", 0};
    if (is_in_string_) {
      while (at_ != end_ && *at_ != 0) at_++;
      if (at_ == end_) return false;
      at_++;
      is_in_string_ = false;
    }
    if ((field.flags & SILLAGE_FIELD_NOWRITE) != 0)
      return !has_unwritten_ || unwritten_.take(field, data);
    switch (field.kind) {
      case SILLAGE_KIND_STRING: return take_string(data);
      case SILLAGE_KIND_TEXT_SEQUENCE:
      case SILLAGE_KIND_BLOB_SEQUENCE: return take_elements(field.count, 1, data);
      case SILLAGE_KIND_SEQUENCE: return take_elements(field.count, field.size, data);
      case SILLAGE_KIND_TEXT_ARRAY:
      case SILLAGE_KIND_BLOB: return take_bytes(field.count, data);
      case SILLAGE_KIND_ARRAY: return take_bytes(std::uint64_t{field.count} * field.size, data);
      default: return take_bytes(field.size, data);
    }
  }

 private:
  bool take_bytes(std::uint64_t bytes, FilterText* data) {
    if (static_cast<std::uint64_t>(end_ - at_) < bytes) return false;
    *data = {at_, bytes};
    at_ += bytes;
    return true;
  }

  /// Where it ends is looked for when something behind it is asked for.
  bool take_string(FilterText* data) {
    *data = {at_, static_cast<std::uint64_t>(end_ - at_)};
    is_in_string_ = true;
    return at_ != end_;
  }

  /// `count_bytes`: of the number of elements; 0 stands for 4 (abi/catalog.h).
  bool take_elements(std::uint32_t count_bytes, std::uint32_t element_bytes, FilterText* data) {
    std::uint64_t count = 0;
    FilterText number;
    if (count_bytes == 0) count_bytes = 4;
    if (count_bytes > sizeof count || !take_bytes(count_bytes, &number)) return false;
    for (std::uint32_t i = 0; i < count_bytes; i++)  // little endian, as everything here
      count |= std::uint64_t{static_cast<unsigned char>(number.data[i])} << 8 * i;
    return count <= UINT32_MAX && take_bytes(count * element_bytes, data);
  }

  const char* at_;
  const char* const end_;
  bool is_in_string_ = false;
  FieldWalk unwritten_;
  const bool has_unwritten_;
};

void fill_value(const sillage_filter_field& wanted, const FilterText& data, Cell* cell) {
  *cell = {0, 0};
  if (data.limit < wanted.bytes || data.limit - wanted.bytes < wanted.offset) return;
  const char* from = data.data + wanted.offset;
  switch (wanted.bytes) {
    case 1: std::memcpy(&cell->value, from, 1); break;
    case 2: std::memcpy(&cell->value, from, 2); break;
    case 4: std::memcpy(&cell->value, from, 4); break;
    default: std::memcpy(&cell->value, from, 8);
  }
  cell->presence = 1;
}

std::uint64_t text_limit(std::uint64_t limit) {
  return limit < kFilterTextLimit ? limit : kFilterTextLimit;
}

/// An integer of a context's value, extended to 64 bits by its sign.
template <class T>
Cell app_integer(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return {static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), SILLAGE_FILTER_APP_INTEGER};
}

/// The cell of a context that the program brings: a tag, and what that says (abi/app_protocol.h). Of a text its value is
/// where it lies, for app_text_of().
Cell app_value_of(const char* from) {
  const char* const value = from + 1;
  switch (*from) {
    case SILLAGE_APP_CONTEXT_S8: return app_integer<std::int8_t>(value);
    case SILLAGE_APP_CONTEXT_S16: return app_integer<std::int16_t>(value);
    case SILLAGE_APP_CONTEXT_S32: return app_integer<std::int32_t>(value);
    case SILLAGE_APP_CONTEXT_U8: return app_integer<std::uint8_t>(value);
    case SILLAGE_APP_CONTEXT_U16: return app_integer<std::uint16_t>(value);
    case SILLAGE_APP_CONTEXT_U32: return app_integer<std::uint32_t>(value);
    case SILLAGE_APP_CONTEXT_S64:
    case SILLAGE_APP_CONTEXT_U64: return app_integer<std::uint64_t>(value);
    case SILLAGE_APP_CONTEXT_FLOAT:
      return {
          compute_real(SILLAGE_FILTER_REAL_OF_FLOAT, app_integer<std::uint32_t>(value).value, 0),
          SILLAGE_FILTER_APP_REAL};
    case SILLAGE_APP_CONTEXT_DOUBLE:
      return {app_integer<std::uint64_t>(value).value, SILLAGE_FILTER_APP_REAL};
    case SILLAGE_APP_CONTEXT_STRING:
      return {reinterpret_cast<std::uintptr_t>(value), SILLAGE_FILTER_APP_STRING};
    default: return {0, SILLAGE_FILTER_APP_NONE};
  }
}

Cell app_text_of(const Cell& value) {
  if (value.presence != SILLAGE_FILTER_APP_STRING)
    return {reinterpret_cast<std::uintptr_t>(""), kFilterTextLimit};
  return {value.value, kFilterTextLimit};
}

/// Where texts are is nobody's business but the helpers'.
void hide_texts(const Filter* filter, Cell* cells) {
  for (std::uint32_t i = 0; i < filter->field_count; i++)
    if (filter->fields[i].kind == SILLAGE_FILTER_APP_VALUE &&
        cells[i].presence == SILLAGE_FILTER_APP_STRING)
      cells[i].value = 0;
}

/// Fills the cells of a filter; false if the event does not have what it asks for. `app_values`: of its APP_VALUEs, in order,
/// a u32 with its bytes, and as many.
template <class Walk>
bool fill_cells(const Filter* filter, const FilterEvent& event, const char* prefix,
                const char* app_values, Cell* cells) {
  Walk walk(event);
  FilterText data = {"", 0};
  std::uint32_t taken = 0;
  for (std::uint32_t i = 0; i < filter->field_count; i++) {
    const sillage_filter_field& wanted = filter->fields[i];
    if (wanted.kind == SILLAGE_FILTER_PREFIX_TEXT) {
      const char* from = prefix + wanted.offset;
      cells[i] = {reinterpret_cast<std::uintptr_t>(from), text_limit(wanted.bytes)};
      continue;
    }
    if (wanted.kind == SILLAGE_FILTER_CONTEXT_TEXT) {
      cells[i] = {reinterpret_cast<std::uintptr_t>(filter_context_text(wanted.field, event.ring)),
                  kFilterTextLimit};
      continue;
    }
    if (wanted.kind == SILLAGE_FILTER_APP_VALUE) {
      std::uint32_t bytes;
      std::memcpy(&bytes, app_values, sizeof bytes);
      app_values += sizeof bytes;
      cells[i] = app_value_of(app_values);
      app_values += bytes;
      continue;
    }
    if (wanted.kind == SILLAGE_FILTER_APP_TEXT) {
      cells[i] = app_text_of(cells[wanted.offset]);
      continue;
    }
    for (; taken <= wanted.field; taken++) {
      if (taken >= event.event->field_count || !walk.take(event.event->fields[taken], &data))
        return false;
    }
    if (wanted.kind == SILLAGE_FILTER_TEXT) {
      cells[i] = {reinterpret_cast<std::uintptr_t>(data.data), text_limit(data.limit)};
    } else if (event.event->fields[wanted.field].kind == SILLAGE_KIND_STRING) {
      cells[i] = {0, 0};  // nobody knows how long it is: it has no numbers
    } else {
      fill_value(wanted, data, &cells[i]);
    }
  }
  return true;
}

/// The text of a filter that asks for nothing else, if that is a string behind fields of fixed size: found without a walk.
[[gnu::always_inline]] inline bool find_only_text(const Filter* filter, const FilterEvent& event,
                                                  FilterText* text) {
  const sillage_filter_field& wanted = filter->fields[0];
  if (filter->field_count != 1 || wanted.kind != SILLAGE_FILTER_TEXT ||
      wanted.field >= event.event->field_count)
    return false;
  const sillage_field* field = event.event->fields;
  const sillage_field* const string = field + wanted.field;
  if (string->kind != SILLAGE_KIND_STRING || (string->flags & SILLAGE_FIELD_NOWRITE) != 0)
    return false;
  std::uint32_t offset = 0;
  for (; field != string; field++) {
    if (field->kind > SILLAGE_KIND_FLOAT || (field->flags & SILLAGE_FIELD_NOWRITE) != 0)
      return false;
    offset += field->size;
  }
  const sillage_part* part = event.parts;
  if (event.is_payload) {
    *text = {static_cast<const char*>(part->data) + offset, part->bytes - offset};
    return offset < part->bytes;
  }
  const sillage_part* const end = part + event.part_count;
  while (part != end && part->kind == SILLAGE_PART_BYTES) part++;
  if (part == end || (part->kind & SILLAGE_PART_NOWRITE) != 0 || part->data == nullptr)
    return false;
  *text = {static_cast<const char*>(part->data), part->bytes};
  return true;
}

/// Copies a prefix that the site made in several parts.
[[gnu::noinline]] bool gather_prefix(const FilterEvent& event, std::uint32_t bytes, char* to) {
  std::uint32_t done = 0;
  for (std::uint32_t i = 0; i < event.part_count && done < bytes; i++) {
    const sillage_part& part = event.parts[i];
    if (part.kind != SILLAGE_PART_BYTES) return false;
    if (part.bytes == 0) continue;
    const std::uint32_t step = part.bytes < bytes - done ? part.bytes : bytes - done;
    std::memcpy(to + done, part.data, step);
    done += step;
  }
  return done == bytes;
}

FilterText text_in(const Cell& cell) {
  return {reinterpret_cast<const char*>(static_cast<std::uintptr_t>(cell.value)), cell.presence};
}

/// One run of a filter.
class Machine {
 public:
  Machine(const Filter* filter, const FilterEvent& event, const char* prefix, const Cell* cells)
      : filter_(filter), event_(event), prefix_(prefix), cells_(cells) {}

  [[nodiscard]] bool run(std::uint32_t from_op);

 private:
  [[nodiscard]] std::uint64_t call(std::uint32_t helper, const std::uint64_t* registers) const;
  [[nodiscard]] bool text_of(std::uint64_t which, FilterText* text) const {
    if (which >= filter_->field_count || !is_filter_text(filter_->fields[which])) return false;
    *text = text_in(cells_[which]);
    return true;
  }

  const Filter* const filter_;
  const FilterEvent& event_;
  const char* const prefix_;
  const Cell* const cells_;
};

std::uint64_t Machine::call(std::uint32_t helper, const std::uint64_t* registers) const {
  const std::uint64_t first = registers[1], second = registers[2], third = registers[3];
  FilterText left, right;
  switch (helper) {
    case SILLAGE_FILTER_ORDER_FIELDS:
      if (!text_of(first, &left) || !text_of(second, &right)) return 0;
      return static_cast<std::uint64_t>(order_texts(left, right));
    case SILLAGE_FILTER_ORDER_LITERAL: {
      if (!text_of(first, &left) || second >= filter_->literal_count) return 0;
      const sillage_filter_literal& literal = filter_->literals[second];
      return static_cast<std::uint64_t>(
          order_literal(left, {filter_->text + literal.offset, literal.bytes}));
    }
    case SILLAGE_FILTER_MATCH:
      if (!text_of(first, &left) || second >= filter_->literal_count || third < 2 ||
          third > filter_->literal_count - second)
        return 0;
      return match_text(left, filter_->literals + second, third, filter_->text) ? 1 : 0;
    case SILLAGE_FILTER_CONTEXT: return filter_context(first, event_.ring, event_.ip);
    default: return compute_real(helper, first, second);
  }
}

template <class T>
[[gnu::always_inline]] inline T load(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
template <class T>
[[gnu::always_inline]] inline std::uint64_t load_signed(const char* from) {
  return static_cast<std::uint64_t>(std::int64_t{load<T>(from)});
}
[[gnu::always_inline]] inline std::int64_t as_signed(std::uint64_t value) {
  return static_cast<std::int64_t>(value);
}

// As RFC 9669: a divisor of 0 gives 0, and the dividend as remainder; of shifts the low six bits count.
#define SILLAGE_FILTER_ARITHMETIC(name, expression)                     \
  case FilterCode::k##name: {                                           \
    const std::uint64_t a = registers[op->to], b = registers[op->from]; \
    registers[op->to] = (expression);                                   \
    op++;                                                               \
    continue;                                                           \
  }                                                                     \
  case FilterCode::k##name##K: {                                        \
    const std::uint64_t a = registers[op->to], b = op->constant;        \
    registers[op->to] = (expression);                                   \
    op++;                                                               \
    continue;                                                           \
  }
#define SILLAGE_FILTER_IF(name, condition)                              \
  case FilterCode::kIf##name: {                                         \
    const std::uint64_t a = registers[op->to], b = registers[op->from]; \
    op = (condition) ? ops + op->at : op + 1;                           \
    continue;                                                           \
  }                                                                     \
  case FilterCode::kIf##name##K: {                                      \
    const std::uint64_t a = registers[op->to], b = op->constant;        \
    op = (condition) ? ops + op->at : op + 1;                           \
    continue;                                                           \
  }
#define SILLAGE_FILTER_LOAD(name, value)         \
  case FilterCode::kLoad##name: {                \
    const char* from = bases[op->from] + op->at; \
    registers[op->to] = (value);                 \
    op++;                                        \
    continue;                                    \
  }
#define SILLAGE_FILTER_STEP(name, result) \
  case FilterCode::k##name:               \
    registers[op->to] = (result);         \
    op++;                                 \
    continue;

bool Machine::run(std::uint32_t from_op) {
  // Each is written before it is read, but helpers are handed three whatever they take.
  std::uint64_t registers[kFilterRegisters];
  registers[1] = registers[2] = registers[3] = 0;
  alignas(8) char stack[SILLAGE_FILTER_MAX_STACK_BYTES];
  if (filter_->stack_bytes != 0) std::memset(stack, 0, sizeof stack);
  const char* const bases[kFilterBases] = {prefix_, reinterpret_cast<const char*>(cells_), stack};
  const FilterOp* const ops = filter_->ops;
  const FilterOp* op = ops + from_op;
  for (;;) {
    switch (op->code) {
      SILLAGE_FILTER_ARITHMETIC(Move, (static_cast<void>(a), b))
      SILLAGE_FILTER_ARITHMETIC(Add, a + b)
      SILLAGE_FILTER_ARITHMETIC(Subtract, a - b)
      SILLAGE_FILTER_ARITHMETIC(Multiply, a * b)
      SILLAGE_FILTER_ARITHMETIC(Divide, b == 0 ? 0 : a / b)
      SILLAGE_FILTER_ARITHMETIC(Remainder, b == 0 ? a : a % b)
      SILLAGE_FILTER_ARITHMETIC(Or, a | b)
      SILLAGE_FILTER_ARITHMETIC(And, a & b)
      SILLAGE_FILTER_ARITHMETIC(Xor, a ^ b)
      SILLAGE_FILTER_ARITHMETIC(ShiftLeft, a << (b & 63))
      SILLAGE_FILTER_ARITHMETIC(ShiftRight, a >> (b & 63))
      SILLAGE_FILTER_ARITHMETIC(ShiftRightSigned,
                                static_cast<std::uint64_t>(as_signed(a) >> (b & 63)))
      SILLAGE_FILTER_STEP(Swap16, __builtin_bswap16(static_cast<std::uint16_t>(registers[op->to])))
      SILLAGE_FILTER_STEP(Swap32, __builtin_bswap32(static_cast<std::uint32_t>(registers[op->to])))
      SILLAGE_FILTER_STEP(Swap64, __builtin_bswap64(registers[op->to]))
      SILLAGE_FILTER_LOAD(1, load<std::uint8_t>(from))
      SILLAGE_FILTER_LOAD(2, load<std::uint16_t>(from))
      SILLAGE_FILTER_LOAD(4, load<std::uint32_t>(from))
      SILLAGE_FILTER_LOAD(8, load<std::uint64_t>(from))
      SILLAGE_FILTER_LOAD(Signed1, load_signed<std::int8_t>(from))
      SILLAGE_FILTER_LOAD(Signed2, load_signed<std::int16_t>(from))
      SILLAGE_FILTER_LOAD(Signed4, load_signed<std::int32_t>(from))
      SILLAGE_FILTER_IF(Equal, a == b)
      SILLAGE_FILTER_IF(NotEqual, a != b)
      SILLAGE_FILTER_IF(Above, a > b)
      SILLAGE_FILTER_IF(AboveOrEqual, a >= b)
      SILLAGE_FILTER_IF(Below, a < b)
      SILLAGE_FILTER_IF(BelowOrEqual, a <= b)
      SILLAGE_FILTER_IF(Greater, as_signed(a) > as_signed(b))
      SILLAGE_FILTER_IF(GreaterOrEqual, as_signed(a) >= as_signed(b))
      SILLAGE_FILTER_IF(Less, as_signed(a) < as_signed(b))
      SILLAGE_FILTER_IF(LessOrEqual, as_signed(a) <= as_signed(b))
      SILLAGE_FILTER_IF(AnyBit, (a & b) != 0)
      case FilterCode::kMoveWide:
        registers[op->to] = op->constant;
        op += 2;
        continue;
      case FilterCode::kStore:
        std::memcpy(stack + op->at, &registers[op->from], 8);
        op++;
        continue;
      case FilterCode::kStoreK:
        std::memcpy(stack + op->at, &op->constant, 8);
        op++;
        continue;
      case FilterCode::kJump: op = ops + op->at; continue;
      case FilterCode::kCall:
        registers[0] = call(op->at, registers);
        op++;
        continue;
      case FilterCode::kExit: return registers[0] != 0;
    }
  }
}

#undef SILLAGE_FILTER_ARITHMETIC
#undef SILLAGE_FILTER_IF
#undef SILLAGE_FILTER_LOAD
#undef SILLAGE_FILTER_STEP

/// What a test of a text comes to.
FilterTarget run_text_test(const Filter* filter, const FilterTest& test, const Cell* cells) {
  const FilterText text = text_in(cells[test.place]);
  const sillage_filter_literal* literal = filter->literals + test.literal;
  std::uint64_t value;
  if (test.pieces != 0) {
    value = match_text(text, literal, test.pieces, filter->text) ? 1 : 0;
  } else {
    value = static_cast<std::uint64_t>(
        order_literal(text, {filter->text + literal->offset, literal->bytes}));
  }
  return value - test.low <= test.range ? test.inside : test.outside;
}

[[gnu::always_inline]] inline bool run_with_cells(const Filter* filter, const FilterEvent& event,
                                                  const char* prefix, FilterTarget target,
                                                  const Cell* cells) {
  while (target.kind == FilterTarget::kTest) {
    const FilterTest& test = filter->tests[target.at];
    if (test.load == FilterCode::kCall) {
      target = run_text_test(filter, test, cells);
    } else {
      const std::uint64_t value = load_value(test.load, prefix + test.place) & test.mask;
      target = value - test.low <= test.range ? test.inside : test.outside;
    }
  }
  if (target.kind == FilterTarget::kAnswer) return target.at != 0;
  return Machine(filter, event, prefix, cells).run(target.at);
}

[[gnu::noinline]] bool goes_on_with_cells(const Filter* filter, const FilterEvent& event,
                                          const char* prefix, FilterTarget target,
                                          const char* app_values) {
  Cell cells[SILLAGE_FILTER_MAX_FIELDS];
  const bool has_fields = event.is_payload
                              ? fill_cells<PayloadWalk>(filter, event, prefix, app_values, cells)
                              : fill_cells<FieldWalk>(filter, event, prefix, app_values, cells);
  if (filter->has_app_values && has_fields) hide_texts(filter, cells);
  return has_fields && run_with_cells(filter, event, prefix, target, cells);
}

/// The program's own code is asked for the values, and may record events meanwhile.
[[gnu::noinline, gnu::cold]] bool goes_on_with_app_values(const Filter* filter,
                                                          const FilterEvent& event,
                                                          const char* prefix, FilterTarget target) {
  ValueRoom room;
  const char* values = take_filter_values(filter, event.ip, &room);
  if (values == nullptr) return false;
  const bool is_wanted = goes_on_with_cells(filter, event, prefix, target, values);
  give_back(&room);
  return is_wanted;
}

[[gnu::always_inline]] inline bool goes_on(const Filter* filter, const FilterEvent& event,
                                           const char* prefix, FilterTarget target) {
  if (filter->field_count != 0) {
    FilterText text;
    if (filter->has_app_values) [[unlikely]]
      return goes_on_with_app_values(filter, event, prefix, target);
    if (!find_only_text(filter, event, &text))
      return goes_on_with_cells(filter, event, prefix, target, nullptr);
    const Cell cell = {reinterpret_cast<std::uintptr_t>(text.data), text_limit(text.limit)};
    return run_with_cells(filter, event, prefix, target, &cell);
  }
  return Machine(filter, event, prefix, nullptr).run(target.at);
}

}  // namespace

bool filter_accepts(const Filter* filter, const FilterEvent& event) {
  const sillage_part* first = event.parts;
  char gathered[SILLAGE_FILTER_MAX_PREFIX_BYTES];
  const char* prefix = gathered;
  if (filter->prefix_bytes != 0) {
    if (event.part_count != 0 && first->kind == SILLAGE_PART_BYTES &&
        first->bytes >= filter->prefix_bytes) {
      prefix = static_cast<const char*>(first->data);
    } else if (!gather_prefix(event, filter->prefix_bytes, gathered)) {
      return false;
    }
  }
  const FilterTarget target = run_tests(filter, prefix);
  if (target.kind == FilterTarget::kAnswer) return target.at != 0;
  return goes_on(filter, event, prefix, target);
}

bool filter_continues(const Filter* filter, FilterTarget target, const sillage_event* description,
                      const void* payload, std::uint32_t bytes, const RingView* ring,
                      std::uint64_t ip, const sillage_part* unwritten,
                      std::uint32_t unwritten_count) {
  const sillage_part part = {payload, bytes, SILLAGE_PART_BYTES};
  const FilterEvent event = {description, &part, 1, ring, ip, true, unwritten, unwritten_count};
  return goes_on(filter, event, static_cast<const char*>(payload), target);
}

}  // namespace sillage::probe
