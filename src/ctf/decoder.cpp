// SPDX-License-Identifier: MIT
#include "ctf/decoder.hpp"

#include "ctf/bit_load.hpp"
#include "ctf/field_traits.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace sillage::ctf {
namespace {

/// Source: CTF2-SPEC-2.0 section 5.8.1, CTF 1.8.3 section 5.1.
constexpr std::uint64_t kMagic = 0xC1FC1FC1;
/// Bytes of a LEB128 integer of 64 bits.
constexpr unsigned kVariableBytes = 10;

// The bytes in front of the first code unit that is 0; npos if there is none.
std::size_t find_end(std::string_view bytes, Encoding encoding) {
  const std::size_t unit = unit_bytes(encoding);
  if (unit == 1) return bytes.find('\0');
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    if (bytes.substr(i, unit).find_first_not_of('\0') == std::string_view::npos) return i;
  }
  return std::string_view::npos;
}

std::uint32_t unit_at(std::string_view bytes, std::size_t at, Encoding encoding) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(bytes.data()) + at;
  switch (encoding) {
    case Encoding::kUtf16Be: return static_cast<std::uint32_t>(from[0] << 8 | from[1]);
    case Encoding::kUtf16Le: return static_cast<std::uint32_t>(from[1] << 8 | from[0]);
    case Encoding::kUtf32Be:
      return std::uint32_t{from[0]} << 24 | static_cast<std::uint32_t>(from[1] << 16) |
             static_cast<std::uint32_t>(from[2] << 8) | from[3];
    default:
      return std::uint32_t{from[3]} << 24 | static_cast<std::uint32_t>(from[2] << 16) |
             static_cast<std::uint32_t>(from[1] << 8) | from[0];
  }
}

// Appends a code point; what is none becomes U+FFFD.
char* put_utf8(char* out, std::uint32_t code) {
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) code = 0xfffd;
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
    return out;
  }
  const int tail = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const std::uint32_t lead = tail == 1 ? 0xc0 : tail == 2 ? 0xe0 : 0xf0;
  *out++ = static_cast<char>(lead | code >> (6 * tail));
  for (int i = tail - 1; i >= 0; --i) *out++ = static_cast<char>(0x80 | (code >> (6 * i) & 0x3f));
  return out;
}

}  // namespace

Decoder::Decoder(std::shared_ptr<const Plan> plan)
    : plan_(std::move(plan)), ops_(plan_->ops().data()), slots_(plan_->slot_count()) {
  values_.resize(256);
}

bool Decoder::fail(Fault::Kind kind, std::uint32_t field, std::uint64_t bit, std::uint64_t value,
                   std::uint64_t bound) {
  fault_ = {.kind = kind, .field = field, .bit = bit, .value = value, .bound = bound};
  limit_ = position_ = 0;  // the packet is over
  return false;
}

bool Decoder::reserve(std::uint64_t more) {
  if (more > value_limit_ || count_ + more > value_limit_) return false;
  if (count_ + more > values_.size()) {
    values_.resize(std::max<std::size_t>(2 * values_.size(), count_ + more));
  }
  return true;
}

Value* Decoder::push(std::uint32_t field, ValueKind kind) {
  if (count_ == values_.size() && !reserve(1)) return nullptr;
  Value* value = &values_[count_++];
  value->field = field;
  value->kind = kind;
  value->extent = 1;
  value->size = 0;
  return value;
}

void Decoder::apply_roles(Roles roles, std::uint64_t value, unsigned bits) {
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    const auto role = static_cast<Role>(i);
    if (!roles.has(role)) continue;
    role_values_[i] = value;
    seen_.add(role);
    if (role == Role::kDefaultClockTimestamp) clock_ = extend_clock(clock_, value, bits);
    if (role == Role::kPacketEndDefaultClockTimestamp) end_bits_ = bits;
  }
}

void Decoder::set_scalar(const Op& op, std::uint64_t bits, Value* value) {
  if (op.kind == ValueKind::kFloat32 || op.kind == ValueKind::kFloat64) {
    if (op.is_reversed) bits = reverse_bits(bits, op.length_bits);
    value->real = real_of(bits, op.length_bits);
    return;
  }
  value->number = integer_of(op, bits);
}

bool Decoder::read_scalar(const Op& op) {
  const std::uint64_t bit = base_ + op.offset;
  if (op.checks_order) {
    const bool is_big = op.load == Load::kBigBits;
    if (bit % kByte != 0 && is_big != last_is_big_) {
      return fail(Fault::Kind::kMixedOrder, op.field, bit);
    }
    last_is_big_ = is_big;
  }
  Value* value = push(op.field, op.kind);
  if (value == nullptr) return fail(Fault::Kind::kTooMany, op.field, bit);
  set_scalar(op, load_bits(op.load, data_, bit, op.length_bits), value);
  if (op.slot != kNone) slots_[op.slot] = value->number;
  if (!op.roles.empty()) apply_roles(op.roles, value->number, op.length_bits);
  return true;
}

bool Decoder::read_scalars(const Op& op) {
  const std::uint64_t count = op.key == kNone ? op.length : slots_[op.key];
  const std::uint64_t first = round_up(position_, op.alignment);
  if (first > limit_ ||
      (count != 0 && (first + op.length_bits > limit_ ||
                      (count - 1) > (limit_ - first - op.length_bits) / op.stride))) {
    return fail(Fault::Kind::kBounds, op.field, first, count, limit_);
  }
  if (!reserve(count + 1)) return fail(Fault::Kind::kTooMany, op.field, first, count);
  Value* array = push(op.field, ValueKind::kArray);
  array->size = static_cast<std::uint32_t>(count);
  const std::uint32_t element = plan_->fields()[op.field].children.front();
  std::uint64_t bit = first;
  for (std::uint64_t i = 0; i < count; ++i, bit += op.stride) {
    set_scalar(op, load_bits(op.load, data_, bit, op.length_bits), push(element, op.kind));
  }
  array->extent = static_cast<std::uint32_t>(count + 1);
  position_ = count == 0 ? first : bit - op.stride + op.length_bits;
  return true;
}

bool Decoder::read_variable(const Op& op) {
  const std::uint64_t start = round_up(position_, kByte);
  std::uint64_t number = 0;
  unsigned count = 0;
  std::uint8_t byte = 0;
  do {
    const std::uint64_t bit = start + count * kByte;
    if (bit + kByte > limit_) return fail(Fault::Kind::kBounds, op.field, bit, kByte, limit_);
    byte = data_[bit / kByte];
    const std::uint8_t part = byte & 0x7f;
    // The tenth byte has room for one bit; of a signed number the others repeat it.
    const bool is_last_wrong =
        count + 1 == kVariableBytes &&
        (op.kind == ValueKind::kSigned ? part != 0 && part != 0x7f : part > 1);
    if (count == kVariableBytes || is_last_wrong) {
      return fail(Fault::Kind::kVariableSize, op.field, start);
    }
    number |= std::uint64_t{part} << (7 * count);
    ++count;
  } while ((byte & 0x80) != 0);
  if (op.kind == ValueKind::kSigned && 7 * count < 64) number = sign_extend(number, 7 * count);
  position_ = start + count * kByte;
  Value* value = push(op.field, op.kind);
  if (value == nullptr) return fail(Fault::Kind::kTooMany, op.field, start);
  value->number = number;
  if (op.slot != kNone) slots_[op.slot] = number;
  if (!op.roles.empty()) apply_roles(op.roles, number, 7 * count);
  return true;
}

std::string_view Decoder::to_utf8(std::string_view bytes, Encoding encoding) {
  const std::size_t unit = unit_bytes(encoding);
  // Two bytes of UTF-16 take up to 3, four of UTF-32 up to 4.
  const std::size_t most = bytes.size() / unit * 4;
  if (text_size_ + most > text_.size()) {
    std::vector<char> larger(std::max(2 * text_.size(), text_size_ + most));
    std::copy_n(text_.data(), text_size_, larger.data());
    const char* old_begin = text_.data();
    const char* old_end = old_begin + text_size_;
    for (std::uint32_t i = 0; i < count_; ++i) {
      Value& value = values_[i];
      if (value.kind != ValueKind::kText || value.data < old_begin || value.data >= old_end) {
        continue;
      }
      value.data = larger.data() + (value.data - old_begin);
    }
    text_ = std::move(larger);
  }
  char* const begin = text_.data() + text_size_;
  char* out = begin;
  for (std::size_t i = 0; i + unit <= bytes.size(); i += unit) {
    std::uint32_t code = unit_at(bytes, i, encoding);
    if (unit == 2 && code >= 0xd800 && code < 0xdc00 && i + 2 * unit <= bytes.size()) {
      const std::uint32_t low = unit_at(bytes, i + unit, encoding);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        i += unit;
      }
    }
    out = put_utf8(out, code);
  }
  text_size_ += static_cast<std::size_t>(out - begin);
  return {begin, static_cast<std::size_t>(out - begin)};
}

bool Decoder::read_terminated_text(const Op& op) {
  const std::uint64_t start = round_up(position_, kByte);
  if (start >= limit_) return fail(Fault::Kind::kBounds, op.field, start, kByte, limit_);
  const std::string_view rest(reinterpret_cast<const char*>(data_) + start / kByte,
                              limit_ / kByte - start / kByte);
  const std::size_t length = find_end(rest, op.encoding);
  if (length == std::string_view::npos || length > std::numeric_limits<std::uint32_t>::max()) {
    return fail(Fault::Kind::kUnterminated, op.field, start, 0, limit_);
  }
  std::string_view text = rest.substr(0, length);
  position_ = start + (length + unit_bytes(op.encoding)) * kByte;
  if (op.encoding != Encoding::kUtf8) text = to_utf8(text, op.encoding);
  Value* value = push(op.field, ValueKind::kText);
  if (value == nullptr) return fail(Fault::Kind::kTooMany, op.field, start);
  value->data = text.data();
  value->size = static_cast<std::uint32_t>(text.size());
  return true;
}

bool Decoder::read_bytes(const Op& op) {
  const std::uint64_t length = op.key == kNone ? op.length : slots_[op.key];
  const std::uint64_t start = round_up(position_, kByte);
  if (start > limit_ || length > (limit_ - start) / kByte ||
      length > std::numeric_limits<std::uint32_t>::max()) {
    return fail(Fault::Kind::kBounds, op.field, start, length * kByte, limit_);
  }
  std::string_view bytes(reinterpret_cast<const char*>(data_) + start / kByte, length);
  position_ = start + length * kByte;
  if (op.code == OpCode::kText) {
    bytes = bytes.substr(0, find_end(bytes, op.encoding));
    if (op.encoding != Encoding::kUtf8) bytes = to_utf8(bytes, op.encoding);
  }
  Value* value = push(op.field, op.kind);
  if (value == nullptr) return fail(Fault::Kind::kTooMany, op.field, start);
  value->data = bytes.data();
  value->size = static_cast<std::uint32_t>(bytes.size());
  // Packets of CTF 1.8 have the UUID, but traces put together from others are read by babeltrace2.
  if (op.roles.has(Role::kMetadataStreamUuid) && plan_->model().version == Version::kCtf2) {
    const std::optional<Uuid>& uuid = plan_->model().trace.uuid;
    if (uuid &&
        (length != uuid->size() || std::memcmp(bytes.data(), uuid->data(), uuid->size()) != 0)) {
      return fail(Fault::Kind::kUuid, op.field, start);
    }
  }
  return true;
}

// Names the first scalar of a block that ends behind the content, or else what comes last in it.
bool Decoder::fail_block(const Op& block, const Op* last, std::uint64_t start) {
  std::uint32_t field = kNone;
  for (const Op* op = &block + 1; op != last && op->code != OpCode::kBlock; ++op) {
    if (op->field != kNone) field = op->field;
    if (op->code != OpCode::kScalar || start + op->offset + op->length_bits <= limit_) continue;
    return fail(Fault::Kind::kBounds, op->field, start + op->offset, op->length_bits, limit_);
  }
  return fail(Fault::Kind::kBounds, field, start, block.length, limit_);
}

// Returns false on a fault; an empty array has no frame.
bool Decoder::enter_array(const Op& op) {
  const std::uint64_t count = op.key == kNone ? op.length : slots_[op.key];
  const std::uint64_t start = round_up(position_, op.alignment);
  // Each element is at least one value.
  if (count >= value_limit_) {
    return fail(Fault::Kind::kTooMany, op.field, start, count);
  }
  if (start > limit_) return fail(Fault::Kind::kBounds, op.field, start, 0, limit_);
  position_ = start;
  Value* value = push(op.field, ValueKind::kArray);
  if (value == nullptr) return fail(Fault::Kind::kTooMany, op.field, start);
  value->size = static_cast<std::uint32_t>(count);
  if (count != 0) frames_[depth_++] = {.op = &op, .value = count_ - 1, .left = count};
  return true;
}

// The first operation of what the selector chose, or of what follows; nullptr on a fault.
const Op* Decoder::enter_choice(const Op& op) {
  const std::uint64_t selector = slots_[op.key];
  const Choice* choice = plan_->choices().data() + op.options;
  const Choice* const end = choice + op.option_count;
  while (choice != end && !choice->holds(selector)) ++choice;
  Value* value = push(op.field, op.kind);
  if (value == nullptr) {
    fail(Fault::Kind::kTooMany, op.field, position_);
    return nullptr;
  }
  value->number = choice != end ? 1 : 0;
  if (choice == end) {
    if (op.code == OpCode::kOptional) return ops_ + op.next;
    fail(Fault::Kind::kNoOption, op.field, position_, selector);
    return nullptr;
  }
  frames_[depth_++] = {.op = &op, .value = count_ - 1, .left = 1};
  return ops_ + choice->body;
}

const Op* Decoder::leave(const Op& end) {
  Frame& frame = frames_[depth_ - 1];
  if (frame.op->code == OpCode::kArray && --frame.left != 0) return frame.op + 1;
  values_[frame.value].extent = count_ - frame.value;
  --depth_;
  return frame.op->code == OpCode::kStructure ? &end + 1 : ops_ + frame.op->next;
}

bool Decoder::run(const ScopePlan& scope) {
  const Op* op = ops_ + scope.first;
  const Op* const last = ops_ + scope.last;
  depth_ = 0;
  while (op != last) {
    switch (op->code) {
      case OpCode::kBlock: {
        const std::uint64_t start = round_up(position_, op->alignment);
        if (start + op->length > limit_) {
          return fail_block(*op, last, start);
        }
        base_ = start;
        position_ = start + op->length;
        ++op;
        break;
      }
      case OpCode::kScalar:
        if (!read_scalar(*op)) return false;
        ++op;
        break;
      case OpCode::kScalars:
        if (!read_scalars(*op)) return false;
        ++op;
        break;
      case OpCode::kVariable:
        if (!read_variable(*op)) return false;
        ++op;
        break;
      case OpCode::kTerminatedText:
        if (!read_terminated_text(*op)) return false;
        ++op;
        break;
      case OpCode::kText:
      case OpCode::kBlob:
        if (!read_bytes(*op)) return false;
        ++op;
        break;
      case OpCode::kStructure: {
        Value* value = push(op->field, ValueKind::kStructure);
        if (value == nullptr) return fail(Fault::Kind::kTooMany, op->field, position_);
        frames_[depth_++] = {.op = op, .value = count_ - 1, .left = 1};
        ++op;
        break;
      }
      case OpCode::kArray: {
        const std::uint32_t depth = depth_;
        if (!enter_array(*op)) return false;
        op = depth_ == depth ? ops_ + op->next : op + 1;
        break;
      }
      case OpCode::kOptional:
      case OpCode::kVariant:
        op = enter_choice(*op);
        if (op == nullptr) return false;
        break;
      case OpCode::kEnd: op = leave(*op); break;
    }
  }
  return true;
}

bool Decoder::read_head() {
  const ScopePlan& header = plan_->packet_header();
  if (!header.empty() && !run(header)) return false;
  packet_context_ = count_;
  if (seen_.has(Role::kPacketMagicNumber)) {
    const auto magic = role_values_[static_cast<std::size_t>(Role::kPacketMagicNumber)];
    if (magic != kMagic) return fail(Fault::Kind::kMagic, header.root, 0, magic, kMagic);
  }
  const auto role = [&](Role which) -> std::optional<std::uint64_t> {
    if (!seen_.has(which)) return std::nullopt;
    return role_values_[static_cast<std::size_t>(which)];
  };
  const std::uint64_t class_id = role(Role::kDataStreamClassId).value_or(0);
  head_.stream = plan_->find_stream(class_id);
  if (head_.stream == nullptr && !seen_.has(Role::kDataStreamClassId) &&
      plan_->streams().size() == 1) {
    head_.stream = &plan_->streams().front();
  }
  if (head_.stream == nullptr) {
    return fail(Fault::Kind::kStreamClass, header.root, 0, class_id);
  }
  head_.stream_id = role(Role::kDataStreamId);
  if (!head_.stream->packet_context.empty() && !run(head_.stream->packet_context)) return false;
  head_.head_bits = position_;
  if (role(Role::kDefaultClockTimestamp)) head_.begin = clock_;
  if (const auto end = role(Role::kPacketEndDefaultClockTimestamp)) {
    head_.end = extend_clock(clock_, *end, end_bits_);
  }
  head_.discarded_events = role(Role::kDiscardedEventRecordCounterSnapshot);
  head_.sequence_number = role(Role::kPacketSequenceNumber);
  const std::uint64_t there = bytes_ * kByte;
  const auto total = role(Role::kPacketTotalLength), content = role(Role::kPacketContentLength);
  head_.total_bits = total.value_or(content.value_or(there));
  head_.content_bits = content.value_or(head_.total_bits);
  return check_head();
}

bool Decoder::check_head() {
  const std::uint32_t root = head_.stream->packet_context.root;
  if (head_.content_bits > head_.total_bits) {
    return fail(Fault::Kind::kSizes, root, 0, head_.content_bits, head_.total_bits);
  }
  if (head_.content_bits < head_.head_bits) {
    return fail(Fault::Kind::kSizes, root, 0, head_.head_bits, head_.content_bits);
  }
  // Packets start at bytes; a packet of no bits would be endlessly many.
  head_.total_bits = round_up(head_.total_bits, kByte);
  if (head_.total_bits == 0) return fail(Fault::Kind::kSizes, root, 0, 0, kByte);
  const std::uint64_t there = bytes_ * kByte;
  if (head_.total_bits > there) {
    head_.is_cut = head_.content_bits > there;
    if (head_.is_cut) head_.missing_bits = head_.content_bits - there;
    head_.total_bits = there;
    head_.content_bits = std::min(head_.content_bits, there);
  }
  return true;
}

bool Decoder::start_packet(std::span<const std::byte> bytes) {
  data_ = reinterpret_cast<const std::uint8_t*>(bytes.data());
  bytes_ = bytes.size();
  limit_ = bytes_ * kByte;
  value_limit_ = std::min<std::uint64_t>(DecodeLimits::kValues, DecodeLimits::kFreeValues + bytes_);
  position_ = 0;
  count_ = 0;
  text_size_ = 0;
  seen_ = Roles();
  head_ = {};
  fault_ = {};
  packet_context_ = 0;
  packet_values_.clear();
  const bool is_good = read_head();
  packet_values_.assign(values_.data(), values_.data() + count_);
  std::swap(text_, packet_text_);
  text_size_ = 0;
  if (!is_good) return false;
  limit_ = head_.content_bits;
  bytes_ = (limit_ + kByte - 1) / kByte;
  return true;
}

Values Decoder::packet_header() const {
  return Values(packet_values_)
      .first(std::min<std::size_t>(packet_context_, packet_values_.size()));
}
Values Decoder::packet_context() const {
  return Values(packet_values_)
      .subspan(std::min<std::size_t>(packet_context_, packet_values_.size()));
}

Decoder::Step Decoder::next_event() {
  if (position_ >= limit_) {
    if (position_ == limit_) return Step::kEnd;
    fail(Fault::Kind::kBounds, kNone, position_, 0, limit_);
    return Step::kFault;
  }
  const StreamPlan& stream = *head_.stream;
  const std::uint64_t start = position_;
  count_ = 0;
  text_size_ = 0;
  seen_ = Roles();
  if (!stream.event_header.empty() && !run(stream.event_header)) return Step::kFault;
  if (seen_.has(Role::kEventRecordClassId)) {
    const auto id = role_values_[static_cast<std::size_t>(Role::kEventRecordClassId)];
    event_.event = stream.find(id);
    if (event_.event == nullptr) {
      fail(Fault::Kind::kEventClass, stream.event_header.root, start, id);
      return Step::kFault;
    }
  } else {
    event_.event = stream.events.size() == 1 ? &stream.events.front() : stream.find(0);
    if (event_.event == nullptr) {
      fail(Fault::Kind::kEventClass, stream.event_header.root, start, 0);
      return Step::kFault;
    }
  }
  // Values move when their array grows: places first, views afterwards.
  const std::uint32_t common = count_;
  if (!stream.common_context.empty() && !run(stream.common_context)) return Step::kFault;
  const std::uint32_t specific = count_;
  if (!event_.event->specific_context.empty() && !run(event_.event->specific_context)) {
    return Step::kFault;
  }
  const std::uint32_t payload = count_;
  if (!event_.event->payload.empty() && !run(event_.event->payload)) return Step::kFault;
  if (position_ == start) {
    fail(Fault::Kind::kEmptyRecord, kNone, start);
    return Step::kFault;
  }
  const Value* values = values_.data();
  event_.stream = &stream;
  event_.clock = clock_;
  event_.packet_context = packet_context();
  event_.header = {values, common};
  event_.common_context = {values + common, specific - common};
  event_.specific_context = {values + specific, payload - specific};
  event_.payload = {values + payload, count_ - payload};
  return Step::kEvent;
}

Decoder::Step Decoder::event_at(std::uint64_t bit, std::uint64_t clock) {
  limit_ = head_.content_bits;
  position_ = bit;
  clock_ = clock;
  return next_event();
}

void Decoder::finish_packet() {
  // LTTng up to 2.10 may write events behind the end of their packet, and lttng-crash an end of 0:
  // time does not go back for them.
  if (head_.end) clock_ = std::max(clock_, *head_.end);
}

Error Decoder::error(const std::string& file, std::uint64_t packet_byte) const {
  const auto number = [](std::uint64_t value) { return std::to_string(value); };
  const std::string path = fault_.field == kNone ? "" : plan_->path(fault_.field);
  std::string what = path.empty() ? std::string() : "field \"" + path + "\": ";
  switch (fault_.kind) {
    case Fault::Kind::kNothing: what += "nothing is wrong"; break;
    case Fault::Kind::kBounds:
      what += "not enough data: it starts at bit " + number(fault_.bit) +
              " and the content of the packet ends at bit " + number(fault_.bound);
      break;
    case Fault::Kind::kMixedOrder:
      what += "two contiguous bit fields that share a byte do not have the same byte order: " +
              std::string(last_is_big_ ? "big-endian followed by little-endian"
                                       : "little-endian followed by big-endian");
      break;
    case Fault::Kind::kVariableSize:
      what += "oversized variable-length integer: it has more than 64 bits of data";
      break;
    case Fault::Kind::kUnterminated:
      what += "not enough data: text without a NUL in front of the end of the content, bit " +
              number(fault_.bound);
      break;
    case Fault::Kind::kNoOption:
      what += "no option of the variant has the selector " + number(fault_.value);
      break;
    case Fault::Kind::kTooMany:
      what += "more than " + number(value_limit_) + " values in one event record";
      break;
    case Fault::Kind::kMagic:
      what = "this is not a packet: it starts with " + number(fault_.value) +
             " where the magic number " + number(fault_.bound) + " is expected";
      break;
    case Fault::Kind::kUuid: what = "the packet has the UUID of another trace"; break;
    case Fault::Kind::kStreamClass:
      what = "no data stream class has the number " + number(fault_.value);
      break;
    case Fault::Kind::kEventClass:
      what = "no event record class has the number " + number(fault_.value);
      break;
    case Fault::Kind::kSizes:
      what = "the packet's sizes cannot be: " + number(fault_.value) + " bits in " +
             number(fault_.bound);
      break;
    case Fault::Kind::kEmptyRecord:
      what = "an event record of no bits, with content left behind it";
      break;
  }
  return {fault_.kind == Fault::Kind::kTooMany ? Code::kLimit : Code::kCorrupt, std::move(what),
          file + "@" + number(packet_byte + fault_.bit / kByte)};
}

}  // namespace sillage::ctf
