// SPDX-License-Identifier: MIT
#include "kernel/probe_plan.hpp"

#include "ctf/layout.hpp"
#include "kernel/elf_probes.hpp"
#include "kernel/sdt_arguments.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

namespace sillage::kernel {
namespace {

#if defined(__aarch64__)
constexpr std::string_view kInstruction = "pc";
constexpr bool kIsBehindBreakpoint = false;
#else
constexpr std::string_view kInstruction = "ip";
constexpr bool kIsBehindBreakpoint = true;  // of kprobes, by one byte; uprobes are put back
#endif

// Where in the context of a program of type kprobe (struct pt_regs) a register is, in words of 8 bytes.
std::optional<std::uint32_t> register_word(std::string_view name) {
#if defined(__aarch64__)
  if (name == "sp") return 31;
  if (name == "pc") return 32;
  if (!name.starts_with("regs[") || !name.ends_with(']')) return std::nullopt;
  std::uint32_t number = 0;
  const auto [end, status] =
      std::from_chars(name.data() + 5, name.data() + name.size() - 1, number);
  if (status != std::errc() || end != name.data() + name.size() - 1 || number > 30)
    return std::nullopt;
  return number;
#else
  static constexpr std::string_view kNames[] = {"r15", "r14", "r13", "r12", "bp", "bx", "r11",
                                                "r10", "r9",  "r8",  "ax",  "cx", "dx", "si",
                                                "di",  "",    "ip",  "",    "",   "sp"};
  const auto* const found = std::find(std::begin(kNames), std::end(kNames), name);
  if (found == std::end(kNames) || name.empty()) return std::nullopt;
  return static_cast<std::uint32_t>(found - std::begin(kNames));
#endif
}

Node word(std::uint32_t index) { return {.kind = Node::Kind::kArgument, .index = index}; }

Node constant(std::uint64_t value) { return {.kind = Node::Kind::kConstant, .constant = value}; }

Node operation(Operation which, Node left, Node right) {
  Node node{.kind = Node::Kind::kOperation, .operation = which};
  node.operands.push_back(std::move(left));
  node.operands.push_back(std::move(right));
  return node;
}

FieldPlan integer(std::string name, std::uint32_t bytes, bool is_signed, Node value) {
  FieldPlan field;
  field.name = std::move(name);
  field.bytes = bytes;
  field.is_signed = is_signed;
  field.value = std::move(value);
  return field;
}

FieldPlan address_field(std::string name, Node value) {
  return integer(std::move(name), 8, false, std::move(value));
}

FieldPlan instruction(bool in_kernel) {
  Node ip = word(*register_word(kInstruction));
  if (in_kernel && kIsBehindBreakpoint)
    ip = operation(Operation::kSubtract, std::move(ip), constant(1));
  return address_field("ip", std::move(ip));
}

void add_class(const FieldPlan& field, bool is_address, ctf::PayloadBuilder* payload) {
  ctf::IntegerFormat format;
  format.size_bytes = field.bytes;
  format.is_signed = field.is_signed;
  if (is_address) format.base = ctf::Base::kHexadecimal;
  payload->integer(field.name, format);
}

EventPlan probe_event(std::string name, ProbePlace place) {
  EventPlan plan;
  plan.name = std::move(name);
  plan.is_own_doing = true;
  plan.attach.kind = AttachPlan::Kind::kProbe;
  plan.attach.name = plan.name;
  plan.attach.place = std::move(place);
  return plan;
}

// An event with addresses alone.
PlacedEvent address_event(EventPlan plan, std::vector<FieldPlan> fields) {
  ctf::PayloadBuilder payload;
  for (const FieldPlan& field : fields) add_class(field, true, &payload);
  plan.fields = std::move(fields);
  plan.payload = payload.build();
  PlacedEvent event;
  event.places.push_back(std::move(plan));
  return event;
}

Result<Node> register_value(const std::string& name) {
  const auto index = register_word(name);
  if (!index)
    return fail(Code::kUnsupported, "programs cannot read the register " + name + " here");
  return word(*index);
}

Result<Node> sdt_value(const SdtArgument& argument) {
  if (argument.is_float && argument.kind == SdtArgument::Kind::kRegister)
    return fail(Code::kUnsupported, "programs cannot read floating point registers");
  if (argument.kind == SdtArgument::Kind::kConstant)
    return constant(static_cast<std::uint64_t>(argument.value));
  auto base = register_value(argument.base);
  if (!base) return base;
  if (argument.kind == SdtArgument::Kind::kRegister) {
    base->size_bytes = argument.size_bytes;
    base->is_signed = argument.is_signed;
    return base;
  }
  if (!argument.index.empty()) {
    auto index = register_value(argument.index);
    if (!index) return index;
    *base = operation(Operation::kAdd, std::move(*base),
                      operation(Operation::kMultiply, std::move(*index), constant(argument.scale)));
  }
  *base = operation(Operation::kAdd, std::move(*base),
                    constant(static_cast<std::uint64_t>(argument.value)));
  Node load{.kind = Node::Kind::kLoad,
            .size_bytes = argument.size_bytes,
            .is_signed = argument.is_signed,
            .is_user = true};
  load.load_bytes = argument.size_bytes;
  load.operands.push_back(std::move(*base));
  return load;
}

// "PATH" as a file: what has no slash is one of $PATH's.
Result<std::string> find_file(const std::string& path) {
  if (path.find('/') != std::string::npos) return path;
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable == nullptr ? "" : variable;
  while (!folders.empty()) {
    const std::size_t end = std::min(folders.find(':'), folders.size());
    const std::string file = std::string(folders.substr(0, end)) + "/" + path;
    if (end != 0 && ::access(file.c_str(), R_OK) == 0) return file;
    folders.remove_prefix(std::min(end + 1, folders.size()));
  }
  return fail(Code::kNotFound, "there is no \"" + path + "\" in $PATH: write where the file is");
}

Result<ElfProbes> load_file(const std::string& path) {
  const auto file = find_file(path);
  if (!file) return tl::unexpected(file.error());
  return ElfProbes::load(*file);
}

tl::unexpected<Error> no_place(const std::string& text) {
  return fail(Code::kInvalidArgument,
              "\"" + text +
                  "\" is no place of a program: write PATH:SYMBOL, PATH:SYMBOL+OFFSET or "
                  "sdt:PATH:PROVIDER:NAME");
}

Result<std::vector<PlacedEvent>> plan_sdt(const std::string& text, const std::string& path,
                                          const std::string& provider, const std::string& name) {
  const auto file = load_file(path);
  if (!file) return tl::unexpected(file.error());
  const auto probes = file->find_sdt(provider, name);
  if (!probes) return tl::unexpected(probes.error());
  if (probes->empty()) return no_place(text);
  std::vector<std::vector<SdtArgument>> arguments;
  for (const SdtProbe& probe : *probes) {
    auto parsed = parse_sdt_arguments(probe.argument_text, file->machine());
    if (!parsed) return tl::unexpected(std::move(parsed).error());
    arguments.push_back(std::move(*parsed));
  }
  // Where the compiler has inlined the probe, its copies may differ: what all have, as wide as the widest.
  std::vector<FieldPlan> types;
  std::size_t count = arguments.front().size();
  for (const auto& each : arguments) count = std::min(count, each.size());
  ctf::PayloadBuilder payload;
  add_class(instruction(false), true, &payload);
  for (std::size_t i = 0; i < count; ++i) {
    FieldPlan field = integer("arg" + std::to_string(i), 1, false, {});
    for (const auto& each : arguments) {
      field.bytes = std::max(field.bytes, each[i].size_bytes);
      field.is_signed = field.is_signed || each[i].is_signed;
    }
    add_class(field, false, &payload);
    types.push_back(std::move(field));
  }
  const ctf::FieldClassRef shared = payload.build();
  const std::string event_name = provider + "_" + name;
  PlacedEvent event;
  for (std::size_t which = 0; which < probes->size(); ++which) {
    const SdtProbe& probe = (*probes)[which];
    EventPlan plan = probe_event(event_name, {.path = file->path(),
                                              .symbol = {},
                                              .offset = probe.file_offset,
                                              .semaphore_offset = probe.semaphore_file_offset});
    plan.fields.push_back(instruction(false));
    for (std::size_t i = 0; i < count; ++i) {
      auto value = sdt_value(arguments[which][i]);
      if (!value) return tl::unexpected(std::move(value).error());
      FieldPlan field = types[i];
      field.value = std::move(*value);
      plan.fields.push_back(std::move(field));
    }
    plan.payload = shared;
    event.places.push_back(std::move(plan));
  }
  std::vector<PlacedEvent> events;
  events.push_back(std::move(event));
  return events;
}

// Arguments as a program at a function's entry has them: each in 8 bytes of the context, large ones in two.
struct FunctionFields {
  std::vector<FieldPlan> fields;
  ctf::PayloadBuilder payload;
};

bool is_number(const TypeShape& shape) {
  return shape.kind == TypeKind::kInteger || shape.kind == TypeKind::kBoolean ||
         shape.kind == TypeKind::kEnumeration || shape.kind == TypeKind::kPointer;
}

void add_value(const std::string& name, const TypeShape& shape, std::uint32_t index,
               FunctionFields* all) {
  const bool is_pointer = shape.kind == TypeKind::kPointer;
  const std::uint32_t bytes = is_pointer ? 8 : shape.size_bytes;
  Node value = word(index);
  value.size_bytes = bytes;
  value.is_signed = shape.is_signed;
  FieldPlan field = integer(name, bytes, shape.is_signed, std::move(value));
  add_class(field, is_pointer, &all->payload);
  all->fields.push_back(std::move(field));
}

}  // namespace

Result<std::vector<PlacedEvent>> plan_function(const std::string& name, const Btf* btf) {
  if (btf == nullptr)
    return fail(Code::kUnsupported,
                "functions need the kernel's types (CONFIG_DEBUG_INFO_BTF); --probe does not");
  const auto function = btf->find_function(name);
  const auto prototype = function ? btf->prototype(*function) : std::nullopt;
  if (!prototype)
    return fail(Code::kNotFound, "kernel " + btf->release() + " has no function \"" + name +
                                     "\" that can be traced; `sillage list -k --function` shows "
                                     "those it has");
  std::vector<PlacedEvent> events;
  for (const bool at_exit : {false, true}) {
    FunctionFields all;
    std::uint32_t index = 0, unnamed = 0;
    for (const Parameter& parameter : prototype->parameters) {
      const TypeShape shape = btf->shape(parameter.type);
      const std::string field =
          parameter.name.empty() ? "arg" + std::to_string(unnamed) : parameter.name;
      ++unnamed;
      if (is_number(shape) && (shape.kind == TypeKind::kPointer || shape.size_bytes <= 8))
        add_value(field, shape, index, &all);
      index += shape.size_bytes > 8 && shape.kind != TypeKind::kPointer ? 2 : 1;
    }
    const TypeShape result = btf->shape(prototype->result);
    if (at_exit && is_number(result)) add_value("ret", result, index, &all);
    EventPlan plan;
    plan.name = name + (at_exit ? "_exit" : "_entry");
    plan.is_own_doing = true;
    plan.attach.kind = at_exit ? AttachPlan::Kind::kFunctionExit : AttachPlan::Kind::kFunctionEntry;
    plan.attach.name = "the function " + name;
    plan.attach.target = *function;
    plan.fields = std::move(all.fields);
    plan.payload = all.payload.build();
    PlacedEvent event;
    event.places.push_back(std::move(plan));
    events.push_back(std::move(event));
  }
  return events;
}

std::vector<PlacedEvent> plan_function_probes(const std::string& name) {
  std::vector<PlacedEvent> events;
  for (const bool at_exit : {false, true}) {
    EventPlan plan = probe_event(name + (at_exit ? "_exit" : "_entry"),
                                 {.path = {}, .symbol = name, .at_return = at_exit});
    std::vector<FieldPlan> fields{
        address_field("ip", {.kind = Node::Kind::kCall, .function = Function::kProbedFunction})};
    // At the return the instruction is the caller's already: before its handlers run, the kernel puts the true address there
    // (Linux 5.16, "kprobes: Setup instruction pointer in __kretprobe_trampoline_handler", and rethooks). At the entry a
    // kretprobe, this one's among them, may have replaced it by its own already, so there it is left out.
    if (at_exit) fields.push_back(address_field("parent_ip", word(*register_word(kInstruction))));
    events.push_back(address_event(std::move(plan), std::move(fields)));
  }
  return events;
}

bool has_kernel_probes() {
  return ::access("/sys/bus/event_source/devices/kprobe/type", R_OK) == 0;
}

Result<std::vector<PlacedEvent>> plan_kernel_probe(const std::string& place) {
  const std::size_t plus = place.find('+');
  const std::string symbol = place.substr(0, plus);
  std::uint64_t offset = 0;
  bool is_right = !symbol.empty() && symbol.find_first_of(" :*/") == std::string::npos;
  if (plus != std::string::npos) {
    std::string_view digits = std::string_view(place).substr(plus + 1);
    const bool is_hexadecimal = digits.starts_with("0x");
    if (is_hexadecimal) digits.remove_prefix(2);
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), offset,
                                               is_hexadecimal ? 16 : 10);
    is_right = is_right && status == std::errc() && end == digits.data() + digits.size();
  }
  if (!is_right)
    return fail(Code::kInvalidArgument, "\"" + place +
                                            "\" is no place of the kernel: write SYMBOL or "
                                            "SYMBOL+OFFSET");
  std::vector<PlacedEvent> events;
  events.push_back(address_event(
      probe_event(place, {.path = {}, .symbol = symbol, .offset = offset}), {instruction(true)}));
  return events;
}

Result<std::vector<PlacedEvent>> plan_user_probe(const std::string& place) {
  const std::size_t last = place.rfind(':');
  if (last == std::string::npos || last == 0 || last + 1 == place.size()) return no_place(place);
  if (place.starts_with("sdt:")) {
    const std::size_t before = place.rfind(':', last - 1);
    if (before < 5 || before + 1 == last) return no_place(place);
    return plan_sdt(place, place.substr(4, before - 4), place.substr(before + 1, last - before - 1),
                    place.substr(last + 1));
  }
  const std::string symbol = place.substr(last + 1);
  const std::size_t begin = place.starts_with("elf:") && last > 4 ? 4 : 0;  // as LTTng calls it
  const auto file = load_file(place.substr(begin, last - begin));
  if (!file) return tl::unexpected(file.error());
  const auto offset = file->file_offset(symbol);
  if (!offset) return tl::unexpected(offset.error());
  std::vector<PlacedEvent> events;
  events.push_back(
      address_event(probe_event(symbol, {.path = file->path(), .symbol = {}, .offset = *offset}),
                    {instruction(false)}));
  return events;
}

}  // namespace sillage::kernel
