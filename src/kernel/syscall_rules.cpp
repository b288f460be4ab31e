// SPDX-License-Identifier: MIT
#include "kernel/syscall_rules.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <optional>
#include <set>

extern const std::string_view kKernelSyscallRulesText;  // syscall_rules.txt

namespace sillage::kernel {
namespace {

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    const std::size_t end = std::min(line.find(' ', begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    line.remove_prefix(end);
  }
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(' ');
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(' ') - begin + 1);
}

// C's notation: 0x hexadecimal, 0 octal, else decimal.
std::optional<std::uint64_t> number_of(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.starts_with('0')) {
    base = 8;
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return is_negative ? 0 - value : value;
}

// Cuts `text` at the first `separator`; what is behind it, or nothing.
std::optional<std::string_view> cut(std::string_view* text, std::string_view separator) {
  const std::size_t at = text->find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = text->substr(at + separator.size());
  *text = text->substr(0, at);
  return behind;
}

tl::unexpected<Error> bad(std::string_view what) {
  return fail(Code::kInvalidArgument, "no rule of a system call: " + std::string(what));
}

}  // namespace

bool fits_pattern(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

Result<SyscallRules> SyscallRules::built_in() {
  return parse(kKernelSyscallRulesText, "syscall_rules.txt");
}

Result<SyscallRules> SyscallRules::parse(std::string_view text, std::string_view file) {
  SyscallRules rules;
  std::size_t number = 0, first = 0;
  std::string rule;  // with the lines that go on with it
  bool in_block = false;
  Status status;
  const auto finish = [&] {
    if (!rule.empty() && status) {
      status = in_block && rule.starts_with(' ') ? rules.add_field(trimmed(rule))
                                                 : rules.add(words_of(rule));
      if (!status) status.error().location = std::string(file) + ":" + std::to_string(first);
    }
    rule.clear();
  };
  while (!text.empty() && status) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.starts_with('#') || trimmed(line).empty()) continue;
    const bool goes_on = line.starts_with(' ') && !in_block;
    if (!goes_on) {
      finish();
      first = number;
      in_block = line.starts_with("call ") || (in_block && line.starts_with(' '));
    }
    rule += (goes_on ? " " : "") + std::string(line);
    if (line.starts_with("call ")) finish();
  }
  finish();
  if (!status) return tl::unexpected(std::move(status).error());
  return rules;
}

Status SyscallRules::add(const std::vector<std::string_view>& words) {
  if (words.size() < 2) return bad(words.empty() ? "" : words.front());
  if (words[0] == "enum") return add_enum(words);
  if (words[0] == "flags") return add_flags(words);
  if (words[0] == "struct") return add_structure(words);
  if (words[0] == "call") {
    open_.assign(words.begin() + 1, words.end());
    return {};
  }
  return add_arguments(words);
}

Status SyscallRules::add_enum(const std::vector<std::string_view>& words) {
  SyscallEnum& made = enums_[std::string(words[1])];
  if (words.size() == 4 && words[2] == "btf") {
    made.tag = words[3];
    return {};
  }
  for (std::size_t i = 2; i < words.size(); ++i) {
    std::string_view name = words[i];
    const auto text = cut(&name, "=");
    const auto value = text ? number_of(*text) : std::nullopt;
    if (!value) return bad(words[i]);
    made.labels.push_back({std::string(name), *value});
  }
  return {};
}

Status SyscallRules::add_flags(const std::vector<std::string_view>& words) {
  std::vector<SyscallBits>& made = flags_[std::string(words[1])];
  for (std::size_t i = 2; i < words.size(); ++i) {
    std::string_view name = words[i];
    SyscallBits bits;
    const auto value_text = cut(&name, "=");
    if (auto place = cut(&name, "@"); place) {
      const auto width = cut(&*place, ":");
      const auto shift_number = number_of(*place), width_number = number_of(width.value_or(""));
      if (!shift_number || !width_number || *shift_number + *width_number > 64)
        return bad(words[i]);
      bits.shift = static_cast<std::uint32_t>(*shift_number);
      bits.width = static_cast<std::uint32_t>(*width_number);
      bits.enumeration = value_text.value_or("");
    } else {
      const auto value = number_of(value_text.value_or(""));
      if (!value || !std::has_single_bit(*value)) return bad(words[i]);
      bits.shift = static_cast<std::uint32_t>(std::countr_zero(*value));
    }
    bits.name = name;
    made.push_back(std::move(bits));
  }
  std::stable_sort(made.begin(), made.end(),
                   [](const SyscallBits& a, const SyscallBits& b) { return a.shift < b.shift; });
  for (std::size_t i = 1; i < made.size(); ++i) {
    if (made[i - 1].shift + made[i - 1].width > made[i].shift)
      return bad(made[i].name + " has bits that " + made[i - 1].name + " has, too");
  }
  return {};
}

Status SyscallRules::add_structure(const std::vector<std::string_view>& words) {
  if (words.size() < 4) return bad(words[1]);
  SyscallStructure made{std::string(words[2]), {}};
  for (std::size_t i = 3; i < words.size(); ++i) {
    std::string_view path = words[i];
    const auto format = cut(&path, ":");
    const auto field = cut(&path, ">");
    made.members.push_back(
        {std::string(path), std::string(field.value_or(path)), std::string(format.value_or(""))});
  }
  structures_.emplace_back(words[1], std::move(made));
  return {};
}

Status SyscallRules::add_arguments(const std::vector<std::string_view>& words) {
  ArgumentRule rule;
  std::size_t first = 1;
  const bool is_rename = words[0] == "rename";
  if (words[0] == "in") {
    rule.direction = ArgumentRule::Direction::kIn;
  } else if (words[0] == "out") {
    rule.direction = ArgumentRule::Direction::kOut;
  } else if (words[0] == "inout") {
    rule.direction = ArgumentRule::Direction::kInOut;
  } else if (words[0] == "opaque") {
    rule.is_opaque = true;
  } else if (words[0] == "show") {
    rule.format = words[1];
    first = 2;
  } else if (!is_rename) {
    return bad(words[0]);
  }
  for (std::size_t i = first; i < words.size(); ++i) {
    std::string_view call = words[i];
    if (is_rename) rule.field = cut(&call, "=").value_or("");
    const auto argument = cut(&call, ".");
    if (!argument || (is_rename && rule.field.empty())) return bad(words[i]);
    patterns_.push_back({std::string(call), std::string(*argument), rule});
  }
  return {};
}

// WHEN KIND ... FIELD = EXPRESSION [# COUNT] [max N] [where MEMBER]
Status SyscallRules::add_field(std::string_view line) {
  const std::string_view whole = line;
  SyscallField field;
  auto value = cut(&line, " = ");
  if (!value) return bad(whole);
  auto words = words_of(line);
  if (words.size() < 3) return bad(whole);
  const auto interface = cut(&words[0], "@");
  field.at_entry = words[0] == "entry" || words[0] == "both";
  field.at_exit = words[0] == "exit" || words[0] == "both";
  field.in_native = !interface || *interface == "native";
  field.in_compat = !interface || *interface == "compat";
  if (!(field.at_entry || field.at_exit) || !(field.in_native || field.in_compat))
    return bad(whole);

  using Kind = SyscallField::Kind;
  struct KindWord {
    std::string_view word;
    Kind kind;
    std::size_t words;  // up to the field's name
    bool has_count;
  };
  constexpr KindWord kKinds[] = {
      {"value", Kind::kValue, 4, false},     {"at", Kind::kAt, 4, false},
      {"array", Kind::kArray, 4, true},      {"string", Kind::kString, 3, false},
      {"strings", Kind::kStrings, 3, false}, {"address", Kind::kAddress, 3, true},
      {"bytes", Kind::kBytes, 3, true}};
  const auto* const kind =
      std::find_if(std::begin(kKinds), std::end(kKinds),
                   [&](const KindWord& known) { return known.word == words[1]; });
  if (kind == std::end(kKinds) || words.size() != kind->words) return bad(whole);
  field.kind = kind->kind;
  if (kind->words == 4) field.type = words[2];
  std::string_view name = words.back();
  field.length_name = cut(&name, "/").value_or("");
  field.name = name;

  if (auto wanted = cut(&*value, " where "); wanted) field.wanted = trimmed(*wanted);
  if (auto maximum = cut(&*value, " max "); maximum) {
    const auto number = number_of(trimmed(*maximum));
    if (!number || *number > 4096) return bad(whole);
    field.max_count = static_cast<std::uint32_t>(*number);
  }
  if (field.kind == Kind::kArray && field.max_count == 0) return bad(whole);
  const auto count = cut(&*value, " # ");
  if (count.has_value() != kind->has_count) return bad(whole);
  if (count) {
    auto parsed = parse_expression(trimmed(*count));
    if (!parsed) return tl::unexpected(std::move(parsed).error());
    field.count = std::move(*parsed);
  }
  auto parsed = parse_expression(trimmed(*value));
  if (!parsed) return tl::unexpected(std::move(parsed).error());
  field.value = std::move(*parsed);
  for (const std::string& call : open_) calls_.emplace_back(call, fields_.size());
  fields_.push_back(std::move(field));
  return {};
}

ArgumentRule SyscallRules::argument(std::string_view call, std::string_view argument) const {
  ArgumentRule rule;
  for (const Pattern& pattern : patterns_) {
    if (!fits_pattern(pattern.argument, argument) || !fits_pattern(pattern.call, call)) continue;
    // Each kind of rule says one thing; later ones are stronger.
    if (pattern.rule.direction != ArgumentRule::Direction::kByType)
      rule.direction = pattern.rule.direction;
    if (pattern.rule.is_opaque) rule.is_opaque = true;
    if (!pattern.rule.format.empty()) rule.format = pattern.rule.format;
    if (!pattern.rule.field.empty()) rule.field = pattern.rule.field;
  }
  if (rule.field.empty()) rule.field = argument;
  return rule;
}

std::vector<const SyscallField*> SyscallRules::fields(std::string_view call) const {
  std::vector<const SyscallField*> found;
  for (const auto& [pattern, index] : calls_) {
    if (fits_pattern(pattern, call)) found.push_back(&fields_[index]);
  }
  return found;
}

const SyscallEnum* SyscallRules::find_enum(std::string_view name) const {
  const auto found = enums_.find(name);
  return found == enums_.end() ? nullptr : &found->second;
}

const std::vector<SyscallBits>* SyscallRules::find_flags(std::string_view name) const {
  const auto found = flags_.find(name);
  return found == flags_.end() ? nullptr : &found->second;
}

std::vector<std::string> SyscallRules::undefined_names() const {
  std::set<std::string> missing;
  const auto check = [&](std::string_view name) {
    name = name.substr(0, name.find('['));
    for (const std::string_view word : {"", "hex", "octal", "pointer", "string", "text"}) {
      if (name == word) return;
    }
    const bool is_integer = name.size() <= 3 &&
                            std::string_view("usxo").find(name[0]) != std::string_view::npos &&
                            number_of(name.substr(1));
    if (!is_integer && !find_enum(name) && !find_flags(name) && !find_structure(name))
      missing.emplace(name);
  };
  for (const Pattern& pattern : patterns_) check(pattern.rule.format);
  for (const SyscallField& field : fields_) check(field.type);
  for (const auto& [name, structure] : structures_) {
    for (const SyscallMember& member : structure.members) check(member.format);
  }
  for (const auto& [name, flags] : flags_) {
    for (const SyscallBits& bits : flags) check(bits.enumeration);
  }
  return {missing.begin(), missing.end()};
}

std::vector<std::pair<std::string, std::string>> SyscallRules::named_arguments() const {
  std::vector<std::pair<std::string, std::string>> named;
  for (const Pattern& pattern : patterns_) {
    if (!pattern.call.ends_with('*') && !pattern.argument.ends_with('*'))
      named.emplace_back(pattern.call, pattern.argument);
  }
  return named;
}

const SyscallStructure* SyscallRules::find_structure(std::string_view name) const {
  for (const auto& [known, structure] : structures_) {
    if (known == name) return &structure;
  }
  return nullptr;
}

const SyscallStructure* SyscallRules::structure_of_tag(std::string_view tag) const {
  for (const auto& [known, structure] : structures_) {
    if (structure.tag == tag) return &structure;
  }
  return nullptr;
}

}  // namespace sillage::kernel
