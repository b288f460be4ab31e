// SPDX-License-Identifier: MIT
#include "ctf/decode_plan.hpp"

#include "ctf/field_traits.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

namespace sillage::ctf {
namespace {

/// The position of a packet's first bit is a multiple of any alignment.
constexpr std::uint32_t kAnyAlignment = 1u << 31;
constexpr std::uint32_t kByte = 8;
/// Structures with fewer members are searched one by one.
constexpr std::size_t kIndexedMembers = 32;
/// Numbers of classes below this are looked up in a table, if that is not mostly holes.
constexpr std::uint64_t kSmallIds = 1u << 16;

constexpr std::uint64_t round_up(std::uint64_t bits, std::uint64_t alignment) {
  return (bits + alignment - 1) & ~(alignment - 1);
}

template <class... Kinds>
struct Overloaded : Kinds... {
  using Kinds::operator()...;
};
template <class... Kinds>
Overloaded(Kinds...) -> Overloaded<Kinds...>;

Roles roles_of(const FieldClass& field_class) {
  return std::visit(
      [](const auto& kind) {
        if constexpr (requires { kind.roles; }) {
          return kind.roles;
        } else {
          return Roles();
        }
      },
      field_class.kind);
}

ValueKind scalar_kind(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>()) {
    return integer->is_signed ? ValueKind::kSigned : ValueKind::kUnsigned;
  }
  if (field_class.as<Boolean>() != nullptr) return ValueKind::kBoolean;
  if (const auto* real = field_class.as<Float>()) {
    return real->layout.length_bits == 64 ? ValueKind::kFloat64 : ValueKind::kFloat32;
  }
  return ValueKind::kBits;
}

bool is_usual(const BitLayout& layout) {
  if (!layout.bit_order) return true;
  return (*layout.bit_order == BitOrder::kFirstToLast) == (layout.byte_order == ByteOrder::kLittle);
}

bool has_timestamp(Roles roles) {
  return roles.has(Role::kDefaultClockTimestamp) ||
         roles.has(Role::kPacketEndDefaultClockTimestamp);
}

}  // namespace

/// Walks the classes of a model once and appends their operations.
class PlanCompiler {
 public:
  explicit PlanCompiler(std::shared_ptr<const TraceModel> model) : plan_(new Plan) {
    plan_->model_ = std::move(model);
    // The first slots belong to no field: a decoder keeps the values of roles by their number.
    plan_->slot_count_ = kRoleCount;
  }

  Result<std::shared_ptr<const Plan>> compile() {
    const TraceModel& model = plan_->model();
    SILLAGE_TRY(add_scope(model.trace.packet_header, Scope::kPacketHeader, &plan_->packet_header_));
    plan_->streams_.reserve(model.streams.size());
    std::unordered_map<std::uint64_t, std::vector<const EventClass*>> events;
    for (const EventClass& event : model.events) events[event.stream_class_id].push_back(&event);
    for (const DataStreamClass& stream : model.streams) {
      if (plan_->find_stream(stream.id) != nullptr) {
        return fail(Code::kCorrupt,
                    "two data stream classes have the number " + std::to_string(stream.id));
      }
      SILLAGE_TRY(add_stream(stream, events[stream.id]));
    }
    mark_hidden();
    return std::shared_ptr<const Plan>(std::move(plan_));
  }

 private:
  Status add_stream(const DataStreamClass& stream, const std::vector<const EventClass*>& events) {
    StreamPlan plan;
    plan.stream_class = &stream;
    seen_ = Roles();
    SILLAGE_TRY(add_scope(stream.packet_context, Scope::kPacketContext, &plan.packet_context));
    plan.packet_roles = seen_;
    const bool packet_time = has_timestamp(seen_);
    seen_ = Roles();
    SILLAGE_TRY(add_scope(stream.event_header, Scope::kEventRecordHeader, &plan.event_header));
    const bool event_time = has_timestamp(seen_);
    SILLAGE_TRY(add_scope(stream.common_context, Scope::kCommonContext, &plan.common_context));
    SILLAGE_TRY(find_clock(stream, packet_time || event_time, &plan));
    plan.events.reserve(events.size());
    for (const EventClass* event : events) {
      EventPlan event_plan;
      event_plan.event_class = event;
      SILLAGE_TRY(add_scope(event->specific_context, Scope::kSpecificContext,
                            &event_plan.specific_context));
      SILLAGE_TRY(add_scope(event->payload, Scope::kPayload, &event_plan.payload));
      const auto number = static_cast<std::uint32_t>(plan.events.size());
      if (!plan.by_id.try_emplace(event->id, number).second) {
        return fail(Code::kCorrupt, "two event record classes of data stream class " +
                                        std::to_string(stream.id) + " have the number " +
                                        std::to_string(event->id));
      }
      plan.events.push_back(event_plan);
    }
    std::uint64_t table = 0;
    for (const auto& [id, number] : plan.by_id) {
      if (id < kSmallIds) table = std::max(table, id + 1);
    }
    plan.by_small_id.assign(std::min<std::uint64_t>(table, 16 * plan.events.size() + 256), kNone);
    for (const auto& [id, number] : plan.by_id) {
      if (id < plan.by_small_id.size()) plan.by_small_id[id] = number;
    }
    plan_->streams_.push_back(std::move(plan));
    return {};
  }

  Status find_clock(const DataStreamClass& stream, bool has_time, StreamPlan* plan) {
    if (!stream.default_clock_id) {
      // CTF 1.8 allows `timestamp_begin` with no clock: nanoseconds from an origin nobody knows.
      if (has_time) plan->clock = std::make_shared<const ClockClass>();
      return {};
    }
    for (const ClockClass& clock : plan_->model().trace.clocks) {
      if (clock.id != *stream.default_clock_id) continue;
      if (clock.frequency_hz == 0) {
        return fail(Code::kCorrupt, "clock \"" + clock.id + "\" has a frequency of 0");
      }
      plan->clock = std::shared_ptr<const ClockClass>(plan_->model_, &clock);
      return {};
    }
    return fail(Code::kCorrupt, "there is no clock \"" + *stream.default_clock_id + "\"");
  }

  Status add_scope(const FieldClassRef& root, Scope scope, ScopePlan* scope_plan) {
    for (auto i = static_cast<std::size_t>(scope); i < roots_.size(); ++i) roots_[i] = kNone;
    if (root == nullptr) return {};
    const bool is_first = scope == Scope::kPacketHeader ||
                          (scope == Scope::kPacketContext && plan_->packet_header_.empty());
    known_ = is_first ? kAnyAlignment : 1;
    auto field = add_field("", root.get(), kNone);
    if (!field) return tl::unexpected<Error>(std::move(field).error());
    roots_[static_cast<std::size_t>(scope)] = *field;
    if (root->as<Structure>() == nullptr) {
      return error(*field, "a root must be a structure");
    }
    scope_plan->root = *field;
    scope_plan->first = next_op();
    SILLAGE_TRY(add(*field));
    close();
    scope_plan->last = next_op();
    plan_->ops_[scope_plan->first].is_root = true;
    return {};
  }

  Result<std::uint32_t> add_field(std::string name, const FieldClass* field_class,
                                  std::uint32_t parent) {
    if (plan_->fields_.size() >= PlanLimits::kFields) {
      return fail(Code::kLimit, "the trace has more than " + std::to_string(PlanLimits::kFields) +
                                    " fields in all its classes");
    }
    const auto field = static_cast<std::uint32_t>(plan_->fields_.size());
    plan_->fields_.push_back(
        {.name = std::move(name), .field_class = field_class, .parent = parent});
    if (parent != kNone) plan_->fields_[parent].children.push_back(field);
    return field;
  }

  [[nodiscard]] std::uint32_t next_op() const {
    return static_cast<std::uint32_t>(plan_->ops_.size());
  }

  Op& emit(OpCode code, ValueKind kind, std::uint32_t field) {
    plan_->fields_[field].operation = next_op();
    Op& op = plan_->ops_.emplace_back();
    op.code = code;
    op.kind = kind;
    op.field = field;
    return op;
  }
  void emit_end() {
    close();
    plan_->ops_.emplace_back().code = OpCode::kEnd;
  }

  // Makes the next bit of the open block a multiple of `alignment`; opens one where it must.
  void align(std::uint32_t alignment) {
    if (block_ != kNone && alignment <= block_alignment_) {
      block_bits_ = round_up(block_bits_, alignment);
      return;
    }
    close();
    block_ = next_op();
    block_bits_ = 0;
    block_alignment_ = std::max(alignment, known_);
    Op& op = plan_->ops_.emplace_back();
    op.code = OpCode::kBlock;
    op.alignment = alignment;
  }
  void close() {
    if (block_ == kNone) return;
    plan_->ops_[block_].length = block_bits_;
    const std::uint64_t end = block_alignment_ | block_bits_;
    known_ = static_cast<std::uint32_t>(end & (~end + 1));
    block_ = kNone;
  }

  // One more structure, array, option or variant around what follows.
  Status enter(std::uint32_t field) {
    if (++nesting_ <= PlanLimits::kNesting) return {};
    return error(field, "nested deeper than " + std::to_string(PlanLimits::kNesting) + " levels",
                 Code::kLimit);
  }

  Status add(std::uint32_t field) {
    const FieldClass& field_class = *plan_->fields_[field].field_class;
    if (layout_of(field_class) != nullptr) return add_scalar(field, field_class);
    return std::visit(
        Overloaded{
            [&](const VariableInteger& kind) { return add_variable(field, kind); },
            [&](const NullTerminatedString& kind) {
              close();
              emit(OpCode::kTerminatedText, ValueKind::kText, field).encoding = kind.encoding;
              known_ = kByte;
              return Status();
            },
            [&](const StaticString& kind) {
              return add_bytes(field, OpCode::kText, ValueKind::kText, kind.length_bytes, nullptr,
                               kind.encoding);
            },
            [&](const DynamicString& kind) {
              return add_bytes(field, OpCode::kText, ValueKind::kText, 0, &kind.length_bytes,
                               kind.encoding);
            },
            [&](const StaticBlob& kind) {
              return add_bytes(field, OpCode::kBlob, ValueKind::kBlob, kind.length_bytes, nullptr,
                               Encoding::kUtf8);
            },
            [&](const DynamicBlob& kind) {
              return add_bytes(field, OpCode::kBlob, ValueKind::kBlob, 0, &kind.length_bytes,
                               Encoding::kUtf8);
            },
            [&](const StaticArray& kind) {
              return add_array(field, kind.length, nullptr, kind.element,
                               kind.minimum_alignment_bits);
            },
            [&](const DynamicArray& kind) {
              return add_array(field, 0, &kind.length, kind.element, kind.minimum_alignment_bits);
            },
            [&](const Structure& kind) { return add_structure(field, kind); },
            [&](const Optional& kind) { return add_optional(field, kind); },
            [&](const Variant& kind) { return add_variant(field, kind); },
            [&](const auto&) { return Status(); },
        },
        field_class.kind);
  }

  Status describe_scalar(std::uint32_t field, const FieldClass& field_class, Op* op) {
    const BitLayout& layout = *layout_of(field_class);
    op->kind = scalar_kind(field_class);
    if (layout.length_bits == 0 || layout.length_bits > 64) {
      return error(field,
                   "is " + std::to_string(layout.length_bits) +
                       " bits long; fields of 1 to 64 bits can be read",
                   Code::kUnsupported);
    }
    if (field_class.as<Float>() != nullptr && layout.length_bits != 16 &&
        layout.length_bits != 32 && layout.length_bits != 64) {
      return error(field, "is a float of " + std::to_string(layout.length_bits) +
                              " bits: there are floats of 16, 32 and 64 bits");
    }
    op->length_bits = static_cast<std::uint8_t>(layout.length_bits);
    op->is_reversed = !is_usual(layout);
    op->load = layout.byte_order == ByteOrder::kLittle ? Load::kLittleBits : Load::kBigBits;
    return {};
  }
  // Whole bytes at a whole byte need no shifting.
  static void use_bytes(Op* op) {
    const bool is_little = op->load == Load::kLittleBits;
    switch (op->length_bits) {
      case 8: op->load = Load::kByte; break;
      case 16: op->load = is_little ? Load::kLittle16 : Load::kBig16; break;
      case 32: op->load = is_little ? Load::kLittle32 : Load::kBig32; break;
      case 64: op->load = is_little ? Load::kLittle64 : Load::kBig64; break;
      default: break;
    }
  }

  Status add_scalar(std::uint32_t field, const FieldClass& field_class) {
    align(alignment_of(field_class));
    Op& op = emit(OpCode::kScalar, ValueKind::kUnsigned, field);
    SILLAGE_TRY(describe_scalar(field, field_class, &op));
    op.offset = block_bits_;
    block_bits_ += op.length_bits;
    const bool at_byte = block_alignment_ % kByte == 0 && op.offset % kByte == 0;
    if (at_byte) use_bytes(&op);
    op.checks_order = !at_byte || op.length_bits % kByte != 0;
    op.roles = roles_of(field_class);
    see(op.roles);
    return {};
  }

  Status add_variable(std::uint32_t field, const VariableInteger& kind) {
    close();
    Op& op =
        emit(OpCode::kVariable, kind.is_signed ? ValueKind::kSigned : ValueKind::kUnsigned, field);
    op.roles = kind.roles;
    see(op.roles);
    known_ = kByte;
    return {};
  }

  Status add_bytes(std::uint32_t field, OpCode code, ValueKind kind, std::uint64_t length,
                   const FieldLocation* location, Encoding encoding) {
    std::uint32_t key = kNone;
    if (location != nullptr) {
      auto found = resolve(field, *location, true);
      if (!found) return tl::unexpected<Error>(std::move(found).error());
      key = *found;
    }
    close();
    Op& op = emit(code, kind, field);
    op.length = length;
    op.key = key;
    op.encoding = encoding;
    op.roles = roles_of(*plan_->fields_[field].field_class);
    known_ = kByte;
    return {};
  }

  Status add_array(std::uint32_t field, std::uint64_t length, const FieldLocation* location,
                   const FieldClassRef& element, std::uint32_t minimum_alignment) {
    std::uint32_t key = kNone;
    if (location != nullptr) {
      auto found = resolve(field, *location, true);
      if (!found) return tl::unexpected<Error>(std::move(found).error());
      key = *found;
    }
    close();
    const std::uint32_t alignment = std::max(minimum_alignment, alignment_of(*element));
    auto element_field = add_field("", element.get(), field);
    if (!element_field) return tl::unexpected<Error>(std::move(element_field).error());
    const BitLayout* layout = layout_of(*element);
    const bool is_plain = layout != nullptr && layout->length_bits % kByte == 0 &&
                          layout->alignment_bits % kByte == 0 && roles_of(*element).empty();
    const std::uint32_t place = next_op();
    {
      Op& op = emit(is_plain ? OpCode::kScalars : OpCode::kArray, ValueKind::kArray, field);
      op.length = length;
      op.key = key;
      op.alignment = alignment;
      if (is_plain) {
        SILLAGE_TRY(describe_scalar(*element_field, *element, &op));
        use_bytes(&op);
        op.stride = round_up(op.length_bits, layout->alignment_bits);
      }
    }
    if (!is_plain) {
      SILLAGE_TRY(enter(field));
      known_ = 1;  // of the second element
      SILLAGE_TRY(add(*element_field));
      emit_end();
      --nesting_;
    }
    plan_->ops_[place].next = next_op();
    known_ = 1;
    return {};
  }

  Status add_structure(std::uint32_t field, const Structure& kind) {
    SILLAGE_TRY(enter(field));
    emit(OpCode::kStructure, ValueKind::kStructure, field);
    align(alignment_of(*plan_->fields_[field].field_class));
    plan_->fields_[field].children.reserve(kind.members.size());
    for (const Member& member : kind.members) {
      auto child = add_field(member.name, member.field_class.get(), field);
      if (!child) return tl::unexpected<Error>(std::move(child).error());
      SILLAGE_TRY(add(*child));
    }
    // The block may go on behind the structure.
    plan_->ops_.emplace_back().code = OpCode::kEnd;
    --nesting_;
    return {};
  }

  Status add_optional(std::uint32_t field, const Optional& kind) {
    auto key = resolve(field, kind.selector, false);
    if (!key) return tl::unexpected<Error>(std::move(key).error());
    close();
    SILLAGE_TRY(enter(field));
    const std::uint32_t place = next_op();
    const auto options = static_cast<std::uint32_t>(plan_->choices_.size());
    emit(OpCode::kOptional, ValueKind::kOptional, field);
    auto child = add_field("", kind.field_class.get(), field);
    if (!child) return tl::unexpected<Error>(std::move(child).error());
    Choice choice{.is_signed = kind.selector_is_signed, .field = *child, .body = next_op()};
    for (const IntegerRange& range : kind.ranges) {
      choice.lower = range.lower;
      choice.upper = range.upper;
      plan_->choices_.push_back(choice);
    }
    if (kind.ranges.empty()) {
      plan_->choices_.push_back({.lower = 1,
                                 .upper = ~std::uint64_t{0},
                                 .is_signed = false,
                                 .field = *child,
                                 .body = next_op()});
    }
    const auto count = static_cast<std::uint32_t>(plan_->choices_.size()) - options;
    SILLAGE_TRY(add(*child));
    emit_end();
    finish_choice(place, *key, options, count);
    return {};
  }

  Status add_variant(std::uint32_t field, const Variant& kind) {
    auto key = resolve(field, kind.selector, false);
    if (!key) return tl::unexpected<Error>(std::move(key).error());
    close();
    SILLAGE_TRY(enter(field));
    const std::uint32_t place = next_op();
    const std::uint32_t known = known_;
    emit(OpCode::kVariant, ValueKind::kVariant, field);
    // Those of a variant stand together, and inner ones are added meanwhile.
    std::vector<Choice> choices;
    for (const VariantOption& option : kind.options) {
      auto child = add_field(option.name, option.field_class.get(), field);
      if (!child) return tl::unexpected<Error>(std::move(child).error());
      for (const IntegerRange& range : option.ranges) {
        choices.push_back({.lower = range.lower,
                           .upper = range.upper,
                           .is_signed = kind.selector_is_signed,
                           .field = *child,
                           .body = next_op()});
      }
      known_ = known;
      SILLAGE_TRY(add(*child));
      emit_end();
    }
    const auto options = static_cast<std::uint32_t>(plan_->choices_.size());
    plan_->choices_.insert(plan_->choices_.end(), choices.begin(), choices.end());
    finish_choice(place, *key, options, static_cast<std::uint32_t>(choices.size()));
    return {};
  }

  void finish_choice(std::uint32_t place, std::uint32_t key, std::uint32_t options,
                     std::uint32_t count) {
    Op& op = plan_->ops_[place];
    op.key = key;
    op.options = options;
    op.option_count = count;
    op.next = next_op();
    known_ = 1;
    --nesting_;
  }

  std::uint32_t alignment_of(const FieldClass& field_class) {
    if (const BitLayout* layout = layout_of(field_class)) {
      return std::bit_ceil(std::max(layout->alignment_bits, 1u));
    }
    // Structures and arrays ask for what is in them each time they are met: remember.
    if (const auto found = alignments_.find(&field_class); found != alignments_.end()) {
      return found->second;
    }
    const std::uint32_t alignment =
        std::visit(Overloaded{
                       [&](const StaticArray& kind) {
                         return std::max(kind.minimum_alignment_bits, alignment_of(*kind.element));
                       },
                       [&](const DynamicArray& kind) {
                         return std::max(kind.minimum_alignment_bits, alignment_of(*kind.element));
                       },
                       [&](const Structure& kind) {
                         std::uint32_t most = std::max(kind.minimum_alignment_bits, 1u);
                         for (const Member& member : kind.members) {
                           most = std::max(most, alignment_of(*member.field_class));
                         }
                         return most;
                       },
                       [](const Optional&) { return 1u; },
                       [](const Variant&) { return 1u; },
                       [](const auto&) { return kByte; },
                   },
                   field_class.kind);
    return alignments_[&field_class] = std::bit_ceil(alignment);
  }

  void see(Roles roles) {
    for (std::size_t i = 0; i < kRoleCount; ++i) {
      if (roles.has(static_cast<Role>(i))) seen_.add(static_cast<Role>(i));
    }
  }

  [[nodiscard]] bool is_inside(std::uint32_t field, std::uint32_t outer) const {
    for (; field != kNone; field = plan_->fields_[field].parent) {
      if (field == outer) return true;
    }
    return false;
  }

  // Replaces arrays, options and variants by what is in them, on the way to `from` only that.
  void pass(std::uint32_t field, std::uint32_t from, std::vector<std::uint32_t>* out) const {
    const Field& node = plan_->fields_[field];
    const FieldClass& field_class = *node.field_class;
    const bool is_transparent =
        field_class.as<StaticArray>() != nullptr || field_class.as<DynamicArray>() != nullptr ||
        field_class.as<Optional>() != nullptr || field_class.as<Variant>() != nullptr;
    if (!is_transparent) {
      out->push_back(field);
      return;
    }
    for (const std::uint32_t child : node.children) {
      if (is_inside(from, child)) return pass(child, from, out);
    }
    for (const std::uint32_t child : node.children) pass(child, from, out);
  }

  std::uint32_t find_child(std::uint32_t field, const std::string& name) {
    const std::vector<std::uint32_t>& children = plan_->fields_[field].children;
    if (children.size() < kIndexedMembers) {
      for (const std::uint32_t child : children) {
        if (plan_->fields_[child].name == name) return child;
      }
      return kNone;
    }
    NameIndex& index = names_[field];
    for (; index.seen < children.size(); ++index.seen) {
      index.by_name.try_emplace(plan_->fields_[children[index.seen]].name, children[index.seen]);
    }
    const auto found = index.by_name.find(name);
    return found == index.by_name.end() ? kNone : found->second;
  }

  // The structure around a field.
  [[nodiscard]] std::uint32_t holder(std::uint32_t field) const {
    do {
      field = plan_->fields_[field].parent;
    } while (field != kNone && plan_->fields_[field].field_class->as<Structure>() == nullptr);
    return field;
  }

  // The slot that will hold the value of the field at `location` when `field` is decoded.
  Result<std::uint32_t> resolve(std::uint32_t field, const FieldLocation& location,
                                bool is_length) {
    const char* what = is_length ? "length" : "selector";
    std::vector<std::uint32_t> places;
    const std::uint32_t start =
        location.origin ? roots_[static_cast<std::size_t>(*location.origin)] : holder(field);
    if (start != kNone) places.push_back(start);
    for (const std::optional<std::string>& name : location.path) {
      std::vector<std::uint32_t> next;
      for (const std::uint32_t place : places) {
        const std::uint32_t found = name ? find_child(place, *name) : holder(place);
        if (found == kNone || found == field) continue;
        pass(found, field, &next);
      }
      places = std::move(next);
    }
    if (places.empty()) {
      return error(field, std::string("there is no field in front of it for its ") + what);
    }
    std::uint32_t slot = kNone;
    for (const std::uint32_t place : places) {
      const Field& target = plan_->fields_[place];
      if (target.operation == kNone || !can_be(*target.field_class, is_length)) {
        return error(field, std::string("its ") + what + ", \"" + plan_->path(place) +
                                "\", is not " +
                                (is_length ? "an unsigned integer" : "an integer or boolean") +
                                " in front of it");
      }
      const std::uint32_t own = plan_->ops_[target.operation].slot;
      if (own == kNone || slot == kNone || own == slot) {
        if (slot == kNone) slot = own != kNone ? own : plan_->slot_count_++;
        plan_->ops_[target.operation].slot = slot;
        continue;
      }
      for (Op& op : plan_->ops_) {
        if (op.slot == own) op.slot = slot;
        if (op.key == own) op.key = slot;
      }
    }
    return slot;
  }

  static bool can_be(const FieldClass& field_class, bool is_length) {
    if (const auto* integer = field_class.as<Integer>()) return !is_length || !integer->is_signed;
    if (const auto* integer = field_class.as<VariableInteger>()) {
      return !is_length || !integer->is_signed;
    }
    return !is_length && field_class.as<Boolean>() != nullptr;
  }

  void mark_hidden() {
    // Children stand behind their parents.
    for (auto field = plan_->fields_.rbegin(); field != plan_->fields_.rend(); ++field) {
      if (field->children.empty()) {
        field->is_hidden = !roles_of(*field->field_class).empty() && field->operation != kNone &&
                           plan_->ops_[field->operation].slot == kNone;
        continue;
      }
      field->is_hidden = std::ranges::all_of(
          field->children, [&](std::uint32_t child) { return plan_->fields_[child].is_hidden; });
    }
  }

  [[nodiscard]] tl::unexpected<Error> error(std::uint32_t field, const std::string& what,
                                            Code code = Code::kCorrupt) const {
    return fail(code, "field \"" + plan_->path(field) + "\": " + what);
  }

  struct NameIndex {
    std::size_t seen = 0;
    std::unordered_map<std::string, std::uint32_t> by_name;
  };

  std::shared_ptr<Plan> plan_;
  std::array<std::uint32_t, 6> roots_{kNone, kNone, kNone, kNone, kNone, kNone};
  std::unordered_map<const FieldClass*, std::uint32_t> alignments_;
  std::unordered_map<std::uint32_t, NameIndex> names_;
  Roles seen_;  // by the scope that is being added
  std::uint32_t nesting_ = 0;
  std::uint32_t known_ = 1;            // what the position is a multiple of, outside blocks
  std::uint32_t block_ = kNone;        // operation of the open block
  std::uint64_t block_bits_ = 0;       // its length so far
  std::uint32_t block_alignment_ = 1;  // what its first bit is a multiple of
};

Result<std::shared_ptr<const Plan>> Plan::compile(std::shared_ptr<const TraceModel> model) {
  return PlanCompiler(std::move(model)).compile();
}

const StreamPlan* Plan::find_stream(std::uint64_t id) const {
  for (const StreamPlan& stream : streams_) {
    if (stream.stream_class->id == id) return &stream;
  }
  return nullptr;
}

std::string Plan::path(std::uint32_t field) const {
  std::string text;
  for (; field != kNone && fields_[field].parent != kNone; field = fields_[field].parent) {
    const Field& parent = fields_[fields_[field].parent];
    const bool is_element = parent.field_class->as<StaticArray>() != nullptr ||
                            parent.field_class->as<DynamicArray>() != nullptr;
    const std::string& name = fields_[field].name;
    std::string part = is_element ? "[]" : name;
    if (!text.empty() && !part.empty() && text.front() != '[') part += '.';
    text.insert(0, part);
  }
  return text;
}

}  // namespace sillage::ctf
