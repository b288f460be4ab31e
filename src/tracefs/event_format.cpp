// SPDX-License-Identifier: MIT
#include "tracefs/event_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace sillage::tracefs {
namespace {

constexpr std::string_view kSpace = " \t\r";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text = trimmed(text.substr(prefix.size()));
  return true;
}

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The value of "key:NUMBER" among the parts of a field line.
std::optional<std::uint32_t> property(std::string_view line, std::string_view key) {
  while (!line.empty()) {
    const std::size_t end = line.find(';');
    std::string_view part = trimmed(line.substr(0, end));
    line = end == std::string_view::npos ? std::string_view() : line.substr(end + 1);
    if (take_prefix(part, key) && take_prefix(part, ":")) return number<std::uint32_t>(part);
  }
  return std::nullopt;
}

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_name_char(text[at - 1])) &&
        (end == text.size() || !is_name_char(text[end])))
      return true;
  }
  return false;
}

// The size of an element, by its type's name: only for arrays whose declaration does not count them.
std::uint32_t element_size(std::string_view type, std::uint32_t long_bytes) {
  if (type.find('*') != std::string_view::npos || has_word(type, "size_t")) return long_bytes;
  if (has_word(type, "struct") || has_word(type, "union")) return 0;
  struct Sized {
    std::string_view word;
    std::uint32_t bytes;
  };
  // In this order: "long long" before "long", "short int" before "int".
  constexpr std::array<Sized, 12> kSizes{{{"char", 1},
                                          {"u8", 1},
                                          {"s8", 1},
                                          {"bool", 1},
                                          {"short", 2},
                                          {"u16", 2},
                                          {"s16", 2},
                                          {"u32", 4},
                                          {"s32", 4},
                                          {"u64", 8},
                                          {"s64", 8},
                                          {"long long", 8}}};
  for (const Sized& sized : kSizes) {
    if (has_word(type, sized.word) || has_word(type, "__" + std::string(sized.word)) ||
        has_word(type, "uint" + std::to_string(sized.bytes * 8) + "_t"))
      return sized.bytes;
  }
  if (has_word(type, "long") || has_word(type, "cpumask_t")) return long_bytes;
  if (has_word(type, "int") || has_word(type, "unsigned")) return 4;
  return 1;
}

bool is_integer_size(std::uint32_t bytes) {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

// Splits "TYPE NAME", "TYPE NAME[N]" and "TYPE[] NAME"; `counted` is N, if N is a number.
struct Declaration {
  std::string type, name;
  bool is_array = false;
  std::optional<std::uint32_t> counted{};
};

std::optional<Declaration> split_declaration(std::string_view text) {
  Declaration declaration;
  std::string_view rest = trimmed(text);
  if (rest.ends_with(']')) {
    const std::size_t open = rest.rfind('[');
    if (open == std::string_view::npos) return std::nullopt;
    declaration.is_array = true;
    declaration.counted = number<std::uint32_t>(rest.substr(open + 1, rest.size() - open - 2));
    rest = trimmed(rest.substr(0, open));
  }
  std::size_t begin = rest.size();
  while (begin > 0 && is_name_char(rest[begin - 1])) --begin;
  declaration.name = std::string(rest.substr(begin));
  std::string_view type = trimmed(rest.substr(0, begin));
  if (type.ends_with("[]")) {
    declaration.is_array = true;
    type = trimmed(type.substr(0, type.size() - 2));
  }
  declaration.type = std::string(type);
  if (declaration.name.empty() || declaration.type.empty()) return std::nullopt;
  return declaration;
}

tl::unexpected<Error> bad_line(std::string_view line) {
  constexpr std::size_t kShown = 80;
  return fail(Code::kCorrupt, "\"" + std::string(line.substr(0, kShown)) +
                                  "\" is not a field of an event's format");
}

Result<FormatField> parse_field(std::string_view line, std::uint32_t long_bytes) {
  const std::string_view whole = line;
  if (!take_prefix(line, "field")) return bad_line(whole);
  if (!take_prefix(line, ":") && !take_prefix(line, " special:")) return bad_line(whole);
  std::string_view declared = line.substr(0, line.find(';'));
  FormatField field;
  if (take_prefix(declared, "__data_loc "))
    field.place = FieldPlace::kDataLoc;
  else if (take_prefix(declared, "__rel_loc "))
    field.place = FieldPlace::kRelLoc;
  const auto declaration = split_declaration(declared);
  const auto offset = property(line, "offset");
  const auto size = property(line, "size");
  if (!declaration || !offset || !size) return bad_line(whole);
  field.name = declaration->name;
  field.type = declaration->type;
  field.offset = *offset;
  field.size_bytes = *size;
  field.is_signed = property(line, "signed").value_or(0) != 0;
  field.is_pointer = field.type.find('*') != std::string::npos;
  const bool is_located = field.place != FieldPlace::kFixed;
  if (is_located && field.size_bytes != 4) return bad_line(whole);
  field.is_array = declaration->is_array || is_located;
  if (!is_located && field.is_array && field.size_bytes == 0) field.place = FieldPlace::kToTheEnd;

  field.element_bytes = field.size_bytes;
  if (field.is_array) {
    const std::uint32_t count = declaration->counted.value_or(0);
    const bool is_counted = !is_located && count != 0 && field.size_bytes % count == 0;
    field.element_bytes =
        is_counted ? field.size_bytes / count : element_size(field.type, long_bytes);
    if (field.place == FieldPlace::kFixed && field.element_bytes != 0 &&
        field.size_bytes % field.element_bytes != 0)
      field.element_bytes = 0;
  }
  // Of "unsigned char" the kernel makes addresses, of "char" names.
  if (field.is_array && field.element_bytes == 1 && has_word(field.type, "char") &&
      !has_word(field.type, "unsigned"))
    field.kind = FieldKind::kText;
  else if (!is_integer_size(field.element_bytes))
    field.kind = FieldKind::kOpaque;
  return field;
}

// Whether the event prints a dynamic array as something else than a string.
bool prints_as_bytes(std::string_view print_format, const std::string& name) {
  return print_format.find("__get_str(" + name + ")") == std::string_view::npos &&
         (print_format.find("__get_dynamic_array(" + name + ")") != std::string_view::npos ||
          print_format.find("__get_rel_dynamic_array(" + name + ")") != std::string_view::npos);
}

struct Lines {
  std::string_view rest;
  // The next line, without its end; none at the end.
  std::optional<std::string_view> next() {
    if (rest.empty()) return std::nullopt;
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  }
};

}  // namespace

const FormatField* EventFormat::find(std::string_view field) const {
  for (const auto* list : {&common, &fields}) {
    for (const FormatField& candidate : *list)
      if (candidate.name == field) return &candidate;
  }
  return nullptr;
}

Result<std::vector<FormatField>> parse_format_fields(std::string_view text,
                                                     std::uint32_t long_bytes) {
  if (text.size() > kMaxFormatBytes)
    return fail(Code::kLimit, "the format of an event is larger than 1 MiB");
  std::vector<FormatField> fields;
  Lines lines{text};
  while (const auto line = lines.next()) {
    const std::string_view content = trimmed(*line);
    if (content.starts_with("print fmt")) break;
    if (!content.starts_with("field")) continue;
    auto field = parse_field(content, long_bytes);
    if (!field) return tl::unexpected(std::move(field).error());
    if (fields.size() == kMaxFormatFields)
      return fail(Code::kLimit, "an event has more than 1024 fields");
    fields.push_back(std::move(*field));
  }
  return fields;
}

Result<EventFormat> parse_event_format(std::string_view system, std::string_view text,
                                       std::uint32_t long_bytes) {
  auto fields = parse_format_fields(text, long_bytes);
  if (!fields) return tl::unexpected(std::move(fields).error());
  EventFormat event;
  event.system = std::string(system);
  bool has_id = false;
  Lines lines{text};
  while (const auto line = lines.next()) {
    std::string_view content = trimmed(*line);
    if (take_prefix(content, "name:")) {
      event.name = std::string(content);
    } else if (take_prefix(content, "ID:")) {
      const auto id = number<std::uint32_t>(content);
      if (!id) return fail(Code::kCorrupt, "an event's format has no number behind \"ID:\"");
      event.id = *id;
      has_id = true;
    } else if (take_prefix(content, "print fmt:")) {
      // The rest of the text: format strings may hold line ends.
      const auto offset = static_cast<std::size_t>(content.data() - text.data());
      event.print_format = std::string(content.empty() ? content : text.substr(offset));
      break;
    }
  }
  if (event.name.empty() || !has_id)
    return fail(Code::kCorrupt,
                "the format of an event of " + event.system + " has no name or no ID");
  for (FormatField& field : *fields) {
    if (field.kind == FieldKind::kText && field.place != FieldPlace::kFixed &&
        prints_as_bytes(event.print_format, field.name))
      field.kind = FieldKind::kInteger;
    (field.name.starts_with("common_") ? event.common : event.fields).push_back(std::move(field));
  }
  return event;
}

}  // namespace sillage::tracefs
