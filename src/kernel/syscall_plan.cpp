// SPDX-License-Identifier: MIT
#include "kernel/syscall_plan.hpp"

#include "ctf/layout.hpp"
#include "kernel/syscall_types.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kMaxStrings = 64;

// Arguments of the tracepoints: (struct pt_regs *, long number or result).
Node registers_argument() {
  return {.kind = Node::Kind::kArgument, .is_pointer = true, .is_known = true, .index = 0};
}
Node second_argument() { return {.kind = Node::Kind::kArgument, .is_signed = true, .index = 1}; }

// The low bytes of a register.
Node register_value(std::int32_t offset, std::uint32_t bytes, bool is_signed) {
  Node node{.kind = Node::Kind::kLoad,
            .size_bytes = bytes,
            .is_signed = is_signed,
            .offset = offset,
            .load_bytes = bytes};
  node.operands.push_back(registers_argument());
  return node;
}

// "const char *" without const, blanks and one star.
std::string_view pointee_of(std::string_view type) {
  type = type.substr(0, type.rfind('*'));
  if (type.starts_with("const ")) type.remove_prefix(6);
  while (type.ends_with(' ')) type.remove_suffix(1);
  if (type.ends_with(" const")) type.remove_suffix(6);
  return type;
}

/// Puts the event of one call together.
class EventMaker {
 public:
  EventMaker(const Btf& btf, const SyscallRules& rules, const SyscallRegisters& registers,
             const SystemCall& call, bool at_exit, std::uint32_t bytes)
      : btf_(btf),
        rules_(rules),
        registers_(registers.arguments(call.abi)),
        types_(btf, rules, call),
        call_(call),
        at_exit_(at_exit),
        max_bytes_(bytes) {
    for (const SystemCallArgument& argument : call.arguments)
      parameters_.push_back({argument.name, parameter_type(argument.type)});
    parameters_.push_back({"ret", btf.find_type("long").value_or(TypeRef{})});
  }

  void make(EventPlan* plan) {
    if (at_exit_) add_result();
    const auto lines = rules_.fields(call_.name);
    std::set<std::string_view> replaced;
    for (const SyscallField* line : lines) {
      if (is_wanted(*line)) replaced.insert(line->name);
    }
    for (std::size_t i = 0; i < call_.arguments.size() && i < registers_.size(); ++i) {
      const ArgumentRule rule = rules_.argument(call_.name, call_.arguments[i].name);
      if (!replaced.contains(rule.field) && is_wanted(call_.arguments[i], rule))
        add_argument(i, rule);
    }
    for (const SyscallField* line : lines) {
      if (is_wanted(*line)) add_field(*line);
    }
    plan->fields = std::move(fields_);
    plan->payload = payload_.build();
  }

 private:
  // Pointers are numbers to expressions: these say with a cast what they point to.
  [[nodiscard]] TypeRef parameter_type(std::string_view type) const {
    if (const auto found = types_.find_scalar(type); found) return *found;
    return btf_.find_type("unsigned long").value_or(TypeRef{});
  }

  // ---- What is wanted at this end of the call.

  bool is_wanted(const SyscallField& line) const {
    return (at_exit_ ? line.at_exit : line.at_entry) &&
           (call_.abi == Abi::kNative ? line.in_native : line.in_compat) &&
           (line.kind != SyscallField::Kind::kBytes || max_bytes_ != 0);
  }

  bool is_wanted(const SystemCallArgument& argument, const ArgumentRule& rule) const {
    switch (rule.direction) {
      case ArgumentRule::Direction::kIn: return !at_exit_;
      case ArgumentRule::Direction::kOut: return at_exit_;
      case ArgumentRule::Direction::kInOut: return true;
      case ArgumentRule::Direction::kByType: break;
    }
    const bool is_output = argument.type.ends_with('*') && !argument.type.starts_with("const ");
    return is_output == at_exit_;
  }

  // ---- Values

  // An expression over the arguments as one over registers and the program's memory.
  Node lowered(Node node) const {
    if (node.kind == Node::Kind::kArgument) {
      if (node.index == call_.arguments.size()) return second_argument();
      const std::uint32_t bytes =
          std::min(node.is_pointer ? 8 : node.size_bytes, types_.word_bytes());
      Node made = register_value(registers_[node.index], bytes, node.is_signed);
      made.is_pointer = node.is_pointer;
      return made;
    }
    if (node.kind == Node::Kind::kLoad) node.is_user = true;
    for (Node& operand : node.operands) operand = lowered(std::move(operand));
    return node;
  }

  std::optional<Node> value(const SyntaxRef& syntax) const {
    auto node = resolve(*syntax, {.btf = &btf_, .arguments = &parameters_});
    if (!node) return std::nullopt;
    return lowered(std::move(*node));
  }

  Node argument_value(std::size_t index, std::uint32_t bytes, bool is_signed) const {
    return register_value(registers_[index], std::min(bytes, types_.word_bytes()), is_signed);
  }

  // ---- Fields

  void add(FieldPlan::Kind kind, std::string_view name, Node value, std::uint32_t bytes) {
    FieldPlan field;
    field.kind = kind;
    field.name = name;
    field.bytes = bytes;
    field.is_signed = value.is_signed;
    field.value = std::move(value);
    fields_.push_back(std::move(field));
  }

  void add_number(std::string_view name, Node value, const SyscallNumber& number) {
    add(FieldPlan::Kind::kInteger, name, std::move(value), number.bytes);
    payload_.field(name, number.field_class);
  }

  void add_memory(std::string_view name, Node pointer, const SyscallMemory& memory) {
    FieldPlan field;
    field.kind = FieldPlan::Kind::kUserMemory;
    field.name = name;
    field.value = std::move(pointer);
    field.user.pieces = memory.pieces;
    field.bytes = field.user.bytes();
    fields_.push_back(std::move(field));
    payload_.field(name, memory.field_class);
  }

  void add_result() {
    const ArgumentRule rule = rules_.argument(call_.name, "ret");
    add_number("ret", second_argument(),
               types_.number(rule.format, {.size_bytes = 8, .is_signed = true}));
  }

  void add_argument(std::size_t index, const ArgumentRule& rule) {
    const SystemCallArgument& argument = call_.arguments[index];
    if (argument.type.ends_with('*')) return add_pointer(index, rule);
    const ctf::IntegerFormat own = types_.integer(argument.type);
    Node value = argument_value(index, own.size_bytes, own.is_signed);
    const auto bits = types_.bits(rule.format);
    if (bits) {
      add_number(rule.field, value, types_.number(rule.format, own));
      add_number(rule.field + "_bits", std::move(value), *bits);
    } else {
      add_number(rule.field, std::move(value), types_.number(rule.format, own));
    }
  }

  void add_pointer(std::size_t index, const ArgumentRule& rule) {
    const std::string_view type = call_.arguments[index].type;
    const std::string_view pointee = pointee_of(type);
    Node value = argument_value(index, 8, false);
    if (rule.format == "string" ||
        (rule.format.empty() && pointee == "char" && type.starts_with("const "))) {
      add(FieldPlan::Kind::kUserString, rule.field, std::move(value), 0);
      payload_.string(rule.field);
      return;
    }
    add_number(rule.field, value, types_.number("hex", {.size_bytes = types_.word_bytes()}));
    if (rule.is_opaque) return;
    const std::string name = rule.field + "_value";
    if (pointee.starts_with("struct ")) {
      const SyscallStructure* const structure = rules_.structure_of_tag(pointee.substr(7));
      const auto memory = structure != nullptr ? types_.structure(*structure) : std::nullopt;
      if (memory) add_memory(name, std::move(value), *memory);
      return;
    }
    if (pointee.ends_with('*') || pointee == "void") return;
    const auto known = types_.find_scalar(pointee);
    if (!known || btf_.shape(*known).is_character) return;
    const ctf::IntegerFormat own = types_.integer(pointee);
    if (own.size_bytes < 4) return;
    const SyscallNumber number = types_.number(rule.format, own);
    if (number.bytes > own.size_bytes) return;
    add_memory(name, std::move(value), {number.field_class, {{0, number.bytes}}, number.bytes});
  }

  // ---- Lines of the rules

  void add_field(const SyscallField& line) {
    auto what = value(line.value);
    std::optional<Node> count;
    if (line.count) {
      count = value(line.count);
      if (!count) return;
    }
    if (!what) return;
    switch (line.kind) {
      case SyscallField::Kind::kValue: {
        const auto bits = types_.bits(line.type);
        const bool is_signed = what->is_signed;
        add_number(
            line.name, std::move(*what),
            bits ? *bits : types_.number(line.type, {.size_bytes = 4, .is_signed = is_signed}));
        break;
      }
      case SyscallField::Kind::kAt:
        if (const auto memory = types_.memory(line.type); memory)
          add_memory(line.name, std::move(*what), *memory);
        break;
      case SyscallField::Kind::kArray: add_array(line, std::move(*what), std::move(*count)); break;
      case SyscallField::Kind::kString:
        add(FieldPlan::Kind::kUserString, line.name, std::move(*what), 0);
        payload_.string(line.name);
        break;
      case SyscallField::Kind::kStrings: add_strings(line, std::move(*what)); break;
      case SyscallField::Kind::kAddress:
        add_address(line, std::move(*what), std::move(*count));
        break;
      case SyscallField::Kind::kBytes:
        add_elements(line.name, std::move(*what), std::move(*count), {{{0, 1}}, 1, max_bytes_, {}});
        payload_.sequence(line.name, {.size_bytes = 1, .base = ctf::Base::kHexadecimal});
        break;
    }
  }

  void add_elements(const std::string& name, Node pointer, Node count, UserShape shape) {
    FieldPlan field;
    field.kind = FieldPlan::Kind::kUserElements;
    field.name = name;
    field.value = std::move(pointer);
    field.count = std::move(count);
    field.user = std::move(shape);
    fields_.push_back(std::move(field));
  }

  void add_array(const SyscallField& line, Node pointer, Node count) {
    if (line.type == "text") {
      add_elements(line.name, std::move(pointer), std::move(count),
                   {{{0, 1}}, 1, line.max_count, {}});
      payload_.text_sequence(line.name);
      return;
    }
    const auto element = types_.memory(line.type);
    if (!element) return;
    UserShape shape{element->pieces, element->size_bytes, line.max_count, {}};
    if (!line.wanted.empty()) shape.wanted = types_.member(line.type, line.wanted);
    add_elements(line.name, std::move(pointer), std::move(count), std::move(shape));
    payload_.elements(line.name, element->field_class, line.length_name);
  }

  void add_strings(const SyscallField& line, Node pointer) {
    FieldPlan field;
    field.kind = FieldPlan::Kind::kUserStrings;
    field.name = line.name;
    field.value = std::move(pointer);
    field.user.stride = types_.word_bytes();
    field.user.max_count = kMaxStrings;
    fields_.push_back(std::move(field));
    payload_.elements(line.name, ctf::make_field_class(ctf::NullTerminatedString{}));
    payload_.integer(line.name + "_overflow", {.size_bytes = 1});
  }

  void add_address(const SyscallField& line, Node pointer, Node count) {
    FieldPlan field;
    field.kind = FieldPlan::Kind::kUserAddress;
    field.name = line.name;
    field.value = std::move(pointer);
    field.count = std::move(count);
    fields_.push_back(std::move(field));
    payload_.field(
        "family",
        types_.number(rules_.argument(call_.name, "family").format, {.size_bytes = 2}).field_class);
    payload_.integer(line.name, {.size_bytes = 2, .is_big_endian = true});
    payload_.sequence("v4addr", {.size_bytes = 1});
    payload_.sequence("v6addr",
                      {.size_bytes = 2, .base = ctf::Base::kHexadecimal, .is_big_endian = true});
    payload_.string("path");
    payload_.sequence("sa_data", {.size_bytes = 1, .base = ctf::Base::kHexadecimal});
  }

  const Btf& btf_;
  const SyscallRules& rules_;
  const std::array<std::int32_t, SyscallRegisters::kArguments>& registers_;
  const SyscallTypes types_;
  const SystemCall& call_;
  const bool at_exit_;
  const std::uint32_t max_bytes_;
  std::vector<Parameter> parameters_;  // the arguments, then the result
  std::vector<FieldPlan> fields_;
  ctf::PayloadBuilder payload_;
};

}  // namespace

Result<SyscallPlanner> SyscallPlanner::create(const Btf& btf) {
  auto rules = SyscallRules::built_in();
  if (!rules) return tl::unexpected(std::move(rules).error());
  const auto registers = SyscallRegisters::find(btf);
  if (!registers) return tl::unexpected(registers.error());
  return SyscallPlanner(btf, *registers, std::move(*rules));
}

AttachPlan SyscallPlanner::attach_to(bool at_exit) const {
  AttachPlan attach;
  attach.name = at_exit ? "sys_exit" : "sys_enter";
  attach.target = btf_->find_tracepoint(attach.name).value_or(TypeRef{});
  return attach;
}

SyscallEvent SyscallPlanner::plan(const SystemCall& call, bool at_exit, std::uint32_t bytes) const {
  SyscallEvent event{{call.abi, at_exit, call.number}, {}};
  event.plan.name = at_exit ? call.exit_event() : call.entry_event();
  event.plan.attach = attach_to(at_exit);
  EventMaker(*btf_, rules_, registers_, call, at_exit, std::min(bytes, kMaxBytes))
      .make(&event.plan);
  return event;
}

// Source: LTTng-modules 2.13 instrumentation/syscalls syscalls_unknown.h: id, [ret,] args.
SyscallEvent SyscallPlanner::plan_unknown(Abi abi, bool at_exit) const {
  SyscallEvent event{{abi, at_exit, std::nullopt}, {}};
  event.plan.name = std::string(abi == Abi::kCompat ? "compat_" : "") +
                    (at_exit ? "syscall_exit_unknown" : "syscall_entry_unknown");
  event.plan.attach = attach_to(at_exit);
  const std::uint32_t word_bytes = abi == Abi::kNative ? 8 : 4;
  ctf::PayloadBuilder payload;
  const auto add = [&](std::string_view name, Node value, std::uint32_t bytes) {
    FieldPlan field;
    field.name = name;
    field.bytes = bytes;
    field.is_signed = value.is_signed;
    field.value = std::move(value);
    event.plan.fields.push_back(std::move(field));
  };
  add("id", at_exit ? register_value(registers_.number, 4, true) : second_argument(), 4);
  payload.integer("id", {.is_signed = true});
  if (at_exit) {
    add("ret", second_argument(), 8);
    payload.integer("ret", {.size_bytes = 8, .is_signed = true});
  }
  for (const std::int32_t offset : registers_.arguments(abi))
    add("args", register_value(offset, word_bytes, false), word_bytes);
  payload.array("args", {.size_bytes = word_bytes, .base = ctf::Base::kHexadecimal},
                SyscallRegisters::kArguments);
  event.plan.payload = payload.build();
  return event;
}

}  // namespace sillage::kernel
