// SPDX-License-Identifier: MIT
#include "ctf/scan_plan.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <unordered_map>

namespace sillage::ctf {
namespace {

/// Walks the operations of one class in order.
class ClassCompiler {
 public:
  explicit ClassCompiler(const Plan& plan) : plan_(plan) {}

  ClassScan compile(const StreamPlan& stream, const EventPlan& event) {
    for (const ScopePlan* scope :
         {&stream.common_context, &event.specific_context, &event.payload}) {
      if (!scope->empty()) walk(scope->first, scope->last);
    }
    end(ScanCode::kEnd);
    scan_.is_fast = is_fast_ && anchors_ <= ScanLimits::kAnchors;
    scan_.anchor_count = anchors_;
    if (!scan_.is_fast) scan_.steps.clear();
    return std::move(scan_);
  }

 private:
  using Bodies = std::vector<std::uint32_t>;

  void walk(std::uint32_t first, std::uint32_t last) {
    const std::vector<Op>& ops = plan_.ops();
    for (std::uint32_t i = first; i < last && is_fast_;) {
      const Op& op = ops[i];
      i = has_parts(op) ? op.next : i + 1;
      if (!op.roles.empty()) is_fast_ = false;
      switch (op.code) {
        case OpCode::kBlock:
          align(op.alignment);
          block_ = bits_;
          pass(op.length);
          break;
        case OpCode::kScalar: scalar(op); break;
        case OpCode::kScalars: scalars(op); break;
        case OpCode::kTerminatedText: text(op); break;
        case OpCode::kText:
        case OpCode::kBlob: bytes(op); break;
        case OpCode::kOptional:
        case OpCode::kVariant: choice(op); break;
        case OpCode::kArray: loop(op); break;
        case OpCode::kVariable: is_fast_ = false; break;
        case OpCode::kStructure:
        case OpCode::kEnd: break;
      }
    }
  }

  static bool has_parts(const Op& op) {
    return op.code == OpCode::kOptional || op.code == OpCode::kVariant || op.code == OpCode::kArray;
  }
  std::uint32_t number_of(const Op& op) const {
    return static_cast<std::uint32_t>(&op - plan_.ops().data());
  }

  void align(std::uint32_t alignment) {
    if (alignment <= known_) {
      bits_ = round_up(bits_, alignment);
      return;
    }
    to_byte();
    step(ScanCode::kAlign).unit = static_cast<std::uint32_t>(alignment / kByte);
    new_anchor(alignment);
  }
  void pass(std::uint64_t bits) {
    if (bits > ScanLimits::kFixedBytes * kByte || bits_ > ScanLimits::kFixedBytes * kByte) {
      is_fast_ = false;
      return;
    }
    bits_ += bits;
  }
  // Parts of variable length start and end at whole bytes.
  void to_byte() {
    if (bits_ % kByte != 0) is_fast_ = false;
  }

  ScanStep& step(ScanCode code) {
    ScanStep& added = scan_.steps.emplace_back();
    added.code = code;
    added.fixed = static_cast<std::uint32_t>(bits_ / kByte);
    return added;
  }
  void end(ScanCode code) {
    to_byte();
    step(code);
  }
  // Of the step that was added last.
  void new_anchor(std::uint32_t alignment) {
    start_at(scan_.steps.back().anchor = take(), alignment);
  }
  std::uint8_t take() {
    if (anchors_ >= ScanLimits::kAnchors) is_fast_ = false;
    return static_cast<std::uint8_t>(std::min(anchors_++, ScanLimits::kAnchors - 1));
  }
  void start_at(std::uint8_t anchor, std::uint32_t alignment) {
    anchor_ = anchor;
    known_ = alignment;
    bits_ = 0;
  }

  void add_place(const Op& op, std::uint64_t bit) {
    if (loops_ != 0) return;
    scan_.places.push_back({.op = number_of(op),
                            .bit = static_cast<std::uint32_t>(bit),
                            .anchor = anchor_,
                            .guard = guard_});
  }

  void scalar(const Op& op) {
    const std::uint64_t bit = block_ + op.offset;
    if (op.checks_order) {
      const bool is_big = op.load == Load::kBigBits;
      if (bit % kByte != 0 && is_big != last_is_big_) is_fast_ = false;
      last_is_big_ = is_big;
    }
    add_place(op, bit);
    if (op.slot == kNone) return;
    // A slot that several fields fill says nothing here about which of them did.
    is_fast_ = keys_.try_emplace(op.slot, scan_.keys.size()).second && is_fast_;
    scan_.keys.push_back({.op = &op, .bit = static_cast<std::uint32_t>(bit), .anchor = anchor_});
  }

  std::uint32_t key_of(const Op& op) {
    if (op.key == kNone) return kNone;
    const auto found = keys_.find(op.key);
    if (found != keys_.end()) return static_cast<std::uint32_t>(found->second);
    is_fast_ = false;
    return kNone;
  }

  void scalars(const Op& op) {
    align(op.alignment);
    to_byte();
    const std::uint32_t key = key_of(op);
    add_place(op, bits_);
    if (op.stride != op.length_bits || op.stride % kByte != 0) is_fast_ = false;
    if (op.key == kNone) {
      if (op.length > ScanLimits::kElements) is_fast_ = false;
      if (is_fast_) pass(op.length * op.stride);
      return;
    }
    variable(ScanCode::kBytes, key, op.stride / kByte);
  }

  void text(const Op& op) {
    align(kByte);
    if (op.encoding != Encoding::kUtf8) is_fast_ = false;
    add_place(op, bits_);
    variable(ScanCode::kText, kNone, 1);
  }

  void bytes(const Op& op) {
    align(kByte);
    if (op.encoding != Encoding::kUtf8) is_fast_ = false;
    const std::uint32_t key = key_of(op);
    add_place(op, bits_);
    if (op.key != kNone) return variable(ScanCode::kBytes, key, 1);
    if (op.length > ScanLimits::kFixedBytes) is_fast_ = false;
    if (is_fast_) pass(op.length * kByte);
  }

  void variable(ScanCode code, std::uint32_t key, std::uint64_t unit) {
    to_byte();
    ScanStep& added = step(code);
    added.key = key;
    added.unit = static_cast<std::uint32_t>(unit);
    new_anchor(kByte);
    if (loops_ == 0) scan_.places.back().behind = anchor_;
  }

  // Where the bodies of a choice or loop start, in order, and behind the last of them its end.
  Bodies bodies_of(const Op& op) const {
    Bodies bodies;
    for (std::uint32_t i = 0; i < op.option_count; ++i) {
      bodies.push_back(plan_.choices()[op.options + i].body);
    }
    std::sort(bodies.begin(), bodies.end());
    bodies.erase(std::unique(bodies.begin(), bodies.end()), bodies.end());
    bodies.push_back(op.next);
    return bodies;
  }

  void choice(const Op& op) {
    to_byte();
    const std::uint32_t key = key_of(op);
    const Bodies bodies = bodies_of(op);
    const auto known_keys = keys_;
    const std::uint16_t outer_guard = guard_;
    const std::size_t place = scan_.steps.size();
    step(ScanCode::kChoice).key = key;
    scan_.steps[place].options = static_cast<std::uint32_t>(scan_.options.size());
    const std::uint8_t join = take();
    scan_.steps[place].anchor = join;
    scan_.steps[place].first_anchor = static_cast<std::uint8_t>(anchors_);
    // Options of one choice stand together: inner ones are added behind them.
    const std::size_t first_option = scan_.options.size();
    for (std::uint32_t i = 0; i < op.option_count; ++i) {
      const Choice& from = plan_.choices()[op.options + i];
      scan_.options.push_back(
          {.lower = from.lower, .upper = from.upper, .is_signed = from.is_signed});
    }
    scan_.steps[place].option_count = op.option_count;
    std::vector<std::size_t> joins;
    for (std::size_t i = 0; i + 1 < bodies.size() && is_fast_; ++i) {
      const std::uint8_t anchor = take();
      for (std::uint32_t j = 0; j < op.option_count; ++j) {
        if (plan_.choices()[op.options + j].body != bodies[i]) continue;
        scan_.options[first_option + j].anchor = anchor;
        scan_.options[first_option + j].step = static_cast<std::uint32_t>(scan_.steps.size());
      }
      guard_ = anchor;
      start_at(anchor, kByte);
      walk(bodies[i], bodies[i + 1]);
      keys_ = known_keys;
      joins.push_back(scan_.steps.size());
      end(ScanCode::kJoin);
      scan_.steps.back().anchor = join;
    }
    guard_ = outer_guard;
    scan_.steps[place].last_anchor =
        static_cast<std::uint8_t>(std::min(anchors_, ScanLimits::kAnchors));
    const auto next = static_cast<std::uint32_t>(scan_.steps.size());
    scan_.steps[place].next = next;
    for (const std::size_t each : joins) scan_.steps[each].next = next;
    scan_.steps[place].unit = op.code == OpCode::kVariant ? 1 : 0;
    start_at(join, kByte);
  }

  void loop(const Op& op) {
    if (++loops_ > ScanLimits::kLoops) is_fast_ = false;
    align(op.alignment);
    to_byte();
    const std::uint32_t key = key_of(op);
    if (op.key == kNone && op.length > ScanLimits::kElements) is_fast_ = false;
    const auto known_keys = keys_;
    const std::size_t place = scan_.steps.size();
    ScanStep& begin = step(ScanCode::kLoop);
    begin.key = key;
    begin.count = op.length;
    new_anchor(kByte);
    walk(number_of(op) + 1, op.next);
    keys_ = known_keys;
    end(ScanCode::kLoopEnd);
    scan_.steps.back().next = static_cast<std::uint32_t>(place);
    scan_.steps[place].next = static_cast<std::uint32_t>(scan_.steps.size());
    --loops_;
    new_anchor(kByte);
  }

  const Plan& plan_;
  ClassScan scan_;
  bool is_fast_ = true;
  std::uint32_t anchors_ = 1;
  std::uint8_t anchor_ = 0;
  std::uint16_t guard_ = 0;
  std::uint32_t known_ = kByte;  // what the anchor's bit is a multiple of
  std::uint64_t bits_ = 0;       // from the anchor
  std::uint64_t block_ = 0;      // where the block starts
  bool last_is_big_ = false;
  std::uint32_t loops_ = 0;
  std::unordered_map<std::uint32_t, std::size_t> keys_;  // in ClassScan::keys, by slot
};

/// Reads the event record header of a data stream class, if all its forms have fixed places.
class HeaderCompiler {
 public:
  explicit HeaderCompiler(const Plan& plan) : plan_(plan) {}

  HeaderScan compile(const ScopePlan& scope) {
    if (scope.empty()) {
      // No bytes, and no time: a stream of one class.
      header_.forms.emplace_back();
      header_.kind = HeaderScan::Kind::kForms;
      return std::move(header_);
    }
    HeaderForm base;
    const std::optional<std::uint32_t> choice = walk(scope.first, scope.last, &base);
    if (choice) {
      add_forms(plan_.ops()[*choice], base, scope.last);
    } else {
      end_form(base);
    }
    header_.least_bytes = base.bytes;
    if (!is_good_) return {};
    header_.alignment_bytes = static_cast<std::uint32_t>(alignment_ / kByte);
    header_.kind = is_large()     ? HeaderScan::Kind::kLarge
                   : is_compact() ? HeaderScan::Kind::kCompact
                                  : HeaderScan::Kind::kForms;
    return std::move(header_);
  }

 private:
  // Returns the operation of the first choice.
  std::optional<std::uint32_t> walk(std::uint32_t first, std::uint32_t last, HeaderForm* form) {
    std::uint64_t block = bits_;
    std::optional<std::uint32_t> choice;
    for (std::uint32_t i = first; i < last && is_good_ && !choice; ++i) {
      const Op& op = plan_.ops()[i];
      switch (op.code) {
        case OpCode::kBlock:
          if (alignment_ == 0) alignment_ = op.alignment;
          if (alignment_ < kByte || op.alignment > alignment_ || op.length > kMostBits) {
            is_good_ = false;
          }
          bits_ = round_up(bits_, op.alignment);
          block = bits_;
          bits_ += op.length;
          break;
        case OpCode::kScalar: scalar(op, block, form); break;
        case OpCode::kOptional:
        case OpCode::kVariant: choice = i; break;
        case OpCode::kStructure:
        case OpCode::kEnd: break;
        default: is_good_ = false;
      }
    }
    form->bytes = static_cast<std::uint32_t>((bits_ + kByte - 1) / kByte);
    return choice;
  }

  void scalar(const Op& op, std::uint64_t block, HeaderForm* form) {
    const HeaderField field{.op = &op, .bit = static_cast<std::uint32_t>(block + op.offset)};
    if (op.checks_order) {
      const bool is_big = op.load == Load::kBigBits;
      if (field.bit % kByte != 0 && is_big != last_is_big_) is_good_ = false;
      last_is_big_ = is_big;
    }
    if (op.slot != kNone) fields_.push_back(field);
    if (op.roles.empty()) return;
    HeaderField* place = op.roles == Roles(Role::kEventRecordClassId)      ? &form->id
                         : op.roles == Roles(Role::kDefaultClockTimestamp) ? &form->time
                                                                           : nullptr;
    // Of two timestamps the second would go on from the first.
    if (place == nullptr || (place == &form->time && place->op != nullptr)) {
      is_good_ = false;
      return;
    }
    *place = field;
  }

  void add_forms(const Op& choice, const HeaderForm& base, std::uint32_t last) {
    const auto selector =
        std::find_if(fields_.begin(), fields_.end(),
                     [&](const HeaderField& field) { return field.op->slot == choice.key; });
    // Behind the choice nothing but ends.
    const auto& ops = plan_.ops();
    const bool is_last = std::all_of(ops.begin() + choice.next, ops.begin() + last,
                                     [](const Op& op) { return op.code == OpCode::kEnd; });
    if (selector == fields_.end() || !is_last || choice.code != OpCode::kVariant ||
        selector->op->kind != ValueKind::kUnsigned) {
      is_good_ = false;
      return;
    }
    header_.selector = *selector;
    const std::uint64_t start = bits_;
    const bool last_is_big = last_is_big_;
    for (std::uint32_t i = 0; i < choice.option_count && is_good_; ++i) {
      const Choice& option = plan_.choices()[choice.options + i];
      HeaderForm form = base;
      form.lower = option.lower;
      form.upper = option.upper;
      bits_ = start;
      last_is_big_ = last_is_big;
      const Field& field = plan_.fields()[option.field];
      if (field.operation == kNone || option.is_signed) {
        is_good_ = false;
        return;
      }
      if (walk(option.body, end_of(option.body, choice), &form)) is_good_ = false;
      end_form(form);
    }
  }
  // What follows starts at a whole byte.
  void end_form(const HeaderForm& form) {
    if (bits_ % kByte != 0) is_good_ = false;
    header_.forms.push_back(form);
  }
  std::uint32_t end_of(std::uint32_t body, const Op& choice) const {
    std::uint32_t end = choice.next;
    for (std::uint32_t i = 0; i < choice.option_count; ++i) {
      const std::uint32_t other = plan_.choices()[choice.options + i].body;
      if (other > body) end = std::min(end, other);
    }
    return end;
  }

  static bool is_at(const HeaderField& field, Load how, std::uint32_t bit, unsigned length) {
    return field.op != nullptr && field.op->load == how && field.bit == bit &&
           field.op->length_bits == length && !field.op->is_reversed &&
           field.op->kind == ValueKind::kUnsigned;
  }
  bool has_two_forms(std::uint64_t last_id, std::uint32_t short_bytes,
                     std::uint32_t long_bytes) const {
    const auto& forms = header_.forms;
    return forms.size() == 2 && alignment_ == kByte && forms[0].lower == 0 &&
           forms[0].upper == last_id - 1 && forms[1].lower == last_id &&
           forms[1].upper == last_id && forms[0].bytes == short_bytes &&
           forms[1].bytes == long_bytes && forms[0].id.op == header_.selector.op;
  }
  bool is_large() const {
    return has_two_forms(65535, 6, 14) && is_at(header_.selector, Load::kLittle16, 0, 16) &&
           is_at(header_.forms[0].time, Load::kLittle32, 16, 32) &&
           is_at(header_.forms[1].id, Load::kLittle32, 16, 32) &&
           is_at(header_.forms[1].time, Load::kLittle64, 48, 64);
  }
  bool is_compact() const {
    return has_two_forms(31, 4, 13) && is_at(header_.selector, Load::kLittleBits, 0, 5) &&
           is_at(header_.forms[0].time, Load::kLittleBits, 5, 27) &&
           is_at(header_.forms[1].id, Load::kLittle32, 8, 32) &&
           is_at(header_.forms[1].time, Load::kLittle64, 40, 64);
  }

  /// Longer headers than this many bits are left to the decoder.
  static constexpr std::uint64_t kMostBits = 1u << 16;

  const Plan& plan_;
  HeaderScan header_;
  bool is_good_ = true;
  std::uint64_t bits_ = 0;       // from the start of the header
  std::uint64_t alignment_ = 0;  // of the header, in bits; 0: not known yet
  bool last_is_big_ = false;
  std::vector<HeaderField> fields_;
};

}  // namespace

StreamScan compile_scan(const Plan& plan, const StreamPlan& stream) {
  StreamScan scan;
  scan.header = HeaderCompiler(plan).compile(stream.event_header);
  scan.classes.reserve(stream.events.size());
  for (const EventPlan& event : stream.events) {
    scan.classes.push_back(ClassCompiler(plan).compile(stream, event));
  }
  return scan;
}

}  // namespace sillage::ctf
