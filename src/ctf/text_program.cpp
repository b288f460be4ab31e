// SPDX-License-Identifier: MIT
#include "ctf/text_program.hpp"

#include "ctf/context_texts.hpp"
#include "ctf/digits.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace sillage::ctf {
namespace {

class TextCompiler {
 public:
  TextCompiler(const Plan& plan, const ClassScan& scan) : plan_(plan), scan_(scan) {
    for (std::uint32_t i = 0; i < scan.places.size(); ++i) by_op_[scan.places[i].op] = i;
    // What is not shown may be an array of anything: its anchors can only be found.
    program_.needs_anchors = std::ranges::any_of(scan.steps, [](const ScanStep& step) {
      return step.code == ScanCode::kAlign || step.code == ScanCode::kChoice ||
             step.code == ScanCode::kLoop;
    });
  }

  void add_scope(const ScopePlan& scope, std::string_view name, const TextNames& names,
                 bool shows_names, bool* is_started) {
    if (scope.empty()) return;
    if (plan_.fields()[scope.root].is_hidden) {
      pass(scope.root);
      return;
    }
    if (*is_started) pending_ += ", ";
    *is_started = true;
    pending_ += names.scope(name);
    add(scope.root, shows_names ? &names : nullptr);
  }

  /// To be called behind the common context, in front of the others.
  void end_context(const ScopePlan& scope) {
    const std::size_t bytes = fixed_bytes(scope);
    if (bytes < ContextTexts::kLeastBytes || bytes > ContextTexts::kMostBytes) return;
    step(TextCode::kContextEnd);
    program_.context_bytes = static_cast<std::uint32_t>(bytes);
    program_.context_steps = static_cast<std::uint32_t>(program_.steps.size());
  }

  TextProgram finish() {
    pending_ += '\n';
    step(TextCode::kEnd);
    if (!is_good_) return {};
    program_.literals.append(TextProgram::kLiteralSlack, '\0');
    program_.most_bytes = program_.literals.size() +
                          program_.steps.size() * (kDigitSlack + TextProgram::kLiteralSlack);
    return std::move(program_);
  }

 private:
  void add(std::uint32_t number, const TextNames* names) {
    const Field& field = plan_.fields()[number];
    if (field.field_class->as<Structure>() == nullptr) return add_value(field, names != nullptr);
    pending_ += '{';
    bool is_first = true;
    for (const std::uint32_t child : field.children) {
      const Field& member = plan_.fields()[child];
      if (member.is_hidden) {
        pass(child);
        continue;
      }
      pending_ += is_first ? " " : ", ";
      is_first = false;
      if (names != nullptr) pending_ += names->member(member.name);
      add(child, names);
    }
    pending_ += " }";
  }

  // What is not shown may still have an anchor behind it.
  void pass(std::uint32_t number) {
    const Field& field = plan_.fields()[number];
    for (const std::uint32_t child : field.children) pass(child);
    const auto place = by_op_.find(field.operation);
    if (place != by_op_.end() && scan_.places[place->second].behind != 0) {
      program_.needs_anchors = true;
    }
  }

  TextStep& step(TextCode code) {
    TextStep& added = program_.steps.emplace_back();
    added.code = code;
    if (pending_.size() > 0xffff) is_good_ = false;
    added.literal = static_cast<std::uint32_t>(program_.literals.size());
    added.literal_bytes = static_cast<std::uint16_t>(pending_.size());
    program_.literals += pending_;
    pending_.clear();
    return added;
  }

  // How many bytes hold all fields of a scope that starts the record; 0 if that varies.
  [[nodiscard]] std::size_t fixed_bytes(const ScopePlan& scope) const {
    if (scope.empty() || program_.steps.empty() || program_.needs_anchors) return 0;
    std::uint64_t bits = 0;
    for (std::uint32_t i = scope.first; i < scope.last; ++i) {
      const Op& op = plan_.ops()[i];
      std::uint64_t length = op.length_bits;
      switch (op.code) {
        case OpCode::kBlock:
        case OpCode::kStructure:
        case OpCode::kEnd: continue;
        case OpCode::kScalar: break;
        case OpCode::kScalars: length = op.length * op.stride; break;
        case OpCode::kText:
        case OpCode::kBlob: length = op.length * kByte; break;
        default: return 0;
      }
      const auto place = by_op_.find(i);
      if (place == by_op_.end()) return 0;
      const Place& where = scan_.places[place->second];
      if (where.anchor != 0 || where.behind != 0 || where.guard != 0) return 0;
      bits = std::max(bits, where.bit + length);
    }
    return static_cast<std::size_t>((bits + kByte - 1) / kByte);
  }

  static const Integer* plain_integer(const Field& field) {
    const auto* integer = field.field_class->as<Integer>();
    return integer == nullptr || !integer->mappings.empty() ? nullptr : integer;
  }

  static TextCode number_code(const Op& op, const Field& field) {
    const Integer* integer = plain_integer(field);
    const bool is_little = op.load <= Load::kLittle64 && (kIsLittleHost || op.load == Load::kByte);
    if (op.is_reversed || !is_little) return TextCode::kOther;
    if (field.field_class->as<Float>() != nullptr) {
      if (op.load == Load::kLittle32) return TextCode::kReal32;
      return op.load == Load::kLittle64 ? TextCode::kReal64 : TextCode::kOther;
    }
    if (integer == nullptr) return TextCode::kOther;
    unsigned first = 0;
    if (integer->base == Base::kHexadecimal) {
      // Sign bits beyond the digits are cut off, so these are the same.
      first = static_cast<unsigned>(TextCode::kHexadecimal8);
    } else if (integer->base == Base::kDecimal) {
      first = static_cast<unsigned>(integer->is_signed ? TextCode::kSigned8 : TextCode::kUnsigned8);
    } else {
      return TextCode::kOther;
    }
    switch (op.load) {
      case Load::kByte: return static_cast<TextCode>(first);
      case Load::kLittle16: return static_cast<TextCode>(first + 1);
      case Load::kLittle32: return static_cast<TextCode>(first + 2);
      default: return static_cast<TextCode>(first + 3);
    }
  }

  void add_value(const Field& field, bool shows_names) {
    const auto found = by_op_.find(field.operation);
    if (found == by_op_.end() || scan_.places[found->second].guard != 0) {
      is_good_ = false;
      return;
    }
    const Place& place = scan_.places[found->second];
    const Op& op = plan_.ops()[place.op];
    TextCode code = TextCode::kOther, element = TextCode::kEnd;
    switch (op.code) {
      case OpCode::kScalar: code = number_code(op, field); break;
      case OpCode::kTerminatedText: code = TextCode::kTerminated; break;
      case OpCode::kText: code = TextCode::kFixed; break;
      case OpCode::kScalars:
        element = number_code(op, plan_.fields()[field.children.front()]);
        if (element != TextCode::kOther) code = TextCode::kElements;
        break;
      default: break;
    }
    TextStep& added = step(code);
    added.element = element;
    added.count = static_cast<std::uint32_t>(op.code == OpCode::kScalars ? op.length : 0);
    added.anchor = static_cast<std::uint8_t>(place.anchor);
    added.behind = static_cast<std::uint8_t>(place.behind);
    added.offset = place.bit / kByte;
    added.size =
        static_cast<std::uint32_t>(op.code == OpCode::kText ? op.length : op.stride / kByte);
    added.place = found->second;
    added.shows_names = shows_names;
    if (place.behind == 0) return;
    const auto scanned = std::ranges::find_if(
        scan_.steps, [&](const ScanStep& each) { return each.anchor == place.behind; });
    added.key = scanned->key;
    added.size = scanned->unit;
    if (scanned + 1 != scan_.steps.end()) added.rest = (scanned + 1)->fixed;
  }

  const Plan& plan_;
  const ClassScan& scan_;
  std::unordered_map<std::uint32_t, std::uint32_t> by_op_;  // in ClassScan::places
  TextProgram program_;
  std::string pending_;
  bool is_good_ = true;
};

}  // namespace

TextProgram compile_text(const Plan& plan, const StreamPlan& stream, std::uint32_t event,
                         const ClassScan& scan, const TextNames& names, bool has_packet_text) {
  if (!scan.is_fast) return {};
  TextCompiler compiler(plan, scan);
  bool is_started = has_packet_text;
  const EventPlan& about = stream.events[event];
  compiler.add_scope(stream.common_context, "stream.event.context", names, names.context_names,
                     &is_started);
  compiler.end_context(stream.common_context);
  compiler.add_scope(about.specific_context, "event.context", names, names.context_names,
                     &is_started);
  compiler.add_scope(about.payload, "event.fields", names, names.payload_names, &is_started);
  return compiler.finish();
}

}  // namespace sillage::ctf
