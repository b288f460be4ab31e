// SPDX-License-Identifier: MIT
#include "kernel/sdt_arguments.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace sillage::kernel {
namespace {

// A register's parts: the whole one's name in struct pt_regs.
struct X86Register {
  std::string_view whole, names[4];  // of 8, 4, 2 and 1 bytes; bits 8 to 15 ("ah") are left out
};
constexpr std::array<X86Register, 9> kX86Registers{{
    {"ax", {"rax", "eax", "ax", "al"}},
    {"bx", {"rbx", "ebx", "bx", "bl"}},
    {"cx", {"rcx", "ecx", "cx", "cl"}},
    {"dx", {"rdx", "edx", "dx", "dl"}},
    {"si", {"rsi", "esi", "si", "sil"}},
    {"di", {"rdi", "edi", "di", "dil"}},
    {"bp", {"rbp", "ebp", "bp", "bpl"}},
    {"sp", {"rsp", "esp", "sp", "spl"}},
    {"ip", {"rip", "eip", "ip"}},
}};

std::optional<std::int64_t> number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return static_cast<std::int64_t>(is_negative ? 0 - value : value);
}

// "%eax" -> "ax", "%r8d" -> "r8"
std::optional<std::string> x86_register(std::string_view text) {
  if (!text.starts_with('%')) return std::nullopt;
  text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  for (const X86Register& candidate : kX86Registers) {
    if (std::find(std::begin(candidate.names), std::end(candidate.names), text) !=
        std::end(candidate.names))
      return std::string(candidate.whole);
  }
  if (!text.starts_with('r')) return std::nullopt;
  std::string_view digits = text.substr(1);
  if (digits.ends_with('d') || digits.ends_with('w') || digits.ends_with('b'))
    digits.remove_suffix(1);
  const auto which = number(digits);
  constexpr std::int64_t kFirst = 8, kLast = 15;
  if (!which || *which < kFirst || *which > kLast) return std::nullopt;
  return "r" + std::to_string(*which);
}

// "x3", "w3" -> "regs[3]"
std::optional<std::string> arm64_register(std::string_view text) {
  if (text == "sp") return "sp";
  if (!text.starts_with('x') && !text.starts_with('w')) return std::nullopt;
  const auto which = number(text.substr(1));
  constexpr std::int64_t kLast = 30;
  if (!which || *which < 0 || *which > kLast || text[1] == '-' || text[1] == '+')
    return std::nullopt;
  return "regs[" + std::to_string(*which) + "]";
}

// "-8(%rbp)", "(%rax,%rbx,8)", "16(,%rbx,8)"
bool parse_x86_memory(std::string_view text, SdtArgument* argument) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return false;
  const std::string_view displacement = text.substr(0, open);
  const auto offset = displacement.empty() ? std::optional<std::int64_t>(0) : number(displacement);
  if (!offset) return false;  // a symbol: known to the linker only
  argument->kind = SdtArgument::Kind::kMemory;
  argument->value = *offset;
  std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const auto take = [&inside] {
    const std::size_t end = std::min(inside.find(','), inside.size());
    const std::string_view part = inside.substr(0, end);
    inside.remove_prefix(std::min(end + 1, inside.size()));
    return part;
  };
  const std::string_view base = take(), index = take(), scale = take();
  if (!base.empty()) {
    const auto found = x86_register(base);
    if (!found) return false;
    argument->base = *found;
  }
  if (!index.empty()) {
    const auto found = x86_register(index);
    if (!found) return false;
    argument->index = *found;
  }
  if (!scale.empty()) {
    const auto factor = number(scale);
    if (!factor || (*factor != 1 && *factor != 2 && *factor != 4 && *factor != 8)) return false;
    argument->scale = static_cast<std::uint32_t>(*factor);
  }
  return inside.empty() && (!argument->base.empty() || !argument->index.empty());
}

// "[sp, 12]", "[x0]", "[x0, x1]", "[x0, x1, lsl 3]"
bool parse_arm64_memory(std::string_view text, SdtArgument* argument) {
  if (!text.starts_with('[') || !text.ends_with(']')) return false;
  argument->kind = SdtArgument::Kind::kMemory;
  std::string inside(text.substr(1, text.size() - 2));
  inside.erase(std::remove(inside.begin(), inside.end(), ' '), inside.end());
  std::string_view rest = inside;
  const auto take = [&rest] {
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
  };
  const auto base = arm64_register(take());
  if (!base) return false;
  argument->base = *base;
  std::string_view second = take();
  if (second.starts_with('#')) second.remove_prefix(1);
  if (second.empty()) return true;
  if (const auto offset = number(second)) {
    argument->value = *offset;
    return rest.empty();
  }
  const auto index = arm64_register(second);
  if (!index) return false;
  argument->index = *index;
  std::string_view shift = take();
  if (shift.empty()) return true;
  if (!shift.starts_with("lsl")) return false;
  shift.remove_prefix(3);
  if (shift.starts_with('#')) shift.remove_prefix(1);
  const auto bits = number(shift);
  if (!bits || *bits < 0 || *bits > 3) return false;
  argument->scale = 1u << *bits;
  return rest.empty();
}

bool parse_operand(std::string_view text, Machine machine, SdtArgument* argument) {
  const bool is_x86 = machine == Machine::kX86;
  if (const auto found = is_x86 ? x86_register(text) : arm64_register(text)) {
    argument->kind = SdtArgument::Kind::kRegister;
    argument->base = *found;
    return true;
  }
  std::string_view constant = text;
  if (is_x86 && constant.starts_with('$')) constant.remove_prefix(1);
  if (const auto value = number(constant); value && (!is_x86 || constant.size() != text.size())) {
    argument->value = *value;
    return true;
  }
  return is_x86 ? parse_x86_memory(text, argument) : parse_arm64_memory(text, argument);
}

// "-4@" and "4f@" in front of an operand; without it the operand has the machine's word size.
bool take_size(std::string_view* text, SdtArgument* argument) {
  const std::size_t at = text->find('@');
  if (at == std::string_view::npos) return true;
  std::string_view size = text->substr(0, at);
  if (size.ends_with('f')) {
    argument->is_float = true;
    size.remove_suffix(1);
  }
  const auto bytes = number(size);
  if (!bytes) return false;
  argument->is_signed = *bytes < 0;
  const std::int64_t count = *bytes < 0 ? -*bytes : *bytes;
  if (count != 1 && count != 2 && count != 4 && count != 8) return false;
  argument->size_bytes = static_cast<std::uint32_t>(count);
  text->remove_prefix(at + 1);
  return true;
}

}  // namespace

Result<std::vector<SdtArgument>> parse_sdt_arguments(std::string_view text, Machine machine) {
  std::vector<SdtArgument> arguments;
  while (true) {
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos) return arguments;
    text.remove_prefix(begin);
    // Spaces inside of [ ] belong to the argument.
    std::size_t end = 0;
    for (int depth = 0; end < text.size() && (depth > 0 || text[end] != ' '); ++end)
      depth += text[end] == '[' ? 1 : text[end] == ']' ? -1 : 0;
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(end);
    SdtArgument argument;
    std::string_view operand = whole;
    if (!take_size(&operand, &argument) || !parse_operand(operand, machine, &argument))
      return fail(Code::kUnsupported, "argument \"" + std::string(whole) +
                                          "\" of an SDT probe is not where programs can read it");
    arguments.push_back(std::move(argument));
  }
}

}  // namespace sillage::kernel
