// SPDX-License-Identifier: MIT
#include "kernel/event_recipes.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

extern const std::string_view kKernelEventsText;  // events.txt

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kMaxCount = 4096;  // elements of an array: a record has at most 32 KiB

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// Takes the first word of a line.
std::string_view take_word(std::string_view* line) {
  *line = trimmed(*line);
  const std::size_t end = std::min(line->find_first_of(" \t"), line->size());
  const std::string_view word = line->substr(0, end);
  *line = trimmed(line->substr(end));
  return word;
}

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "u32", "x64", "be16"
std::optional<FieldType> element_type(std::string_view text) {
  struct Prefix {
    std::string_view text;
    bool is_signed, is_network_order;
    FieldType::Shown shown;
  };
  using enum FieldType::Shown;
  constexpr std::array<Prefix, 5> kPrefixes{{{"be", false, true, kDecimal},
                                             {"u", false, false, kDecimal},
                                             {"s", true, false, kDecimal},
                                             {"x", false, false, kHexadecimal},
                                             {"o", false, false, kOctal}}};
  for (const Prefix& prefix : kPrefixes) {
    if (!text.starts_with(prefix.text)) continue;
    const auto bits = number(text.substr(prefix.text.size()));
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64) return std::nullopt;
    return FieldType{.element_bytes = *bits / 8,
                     .is_signed = prefix.is_signed,
                     .is_network_order = prefix.is_network_order,
                     .shown = prefix.shown};
  }
  return std::nullopt;
}

// "A=0,B=1"
std::optional<std::vector<Enumerator>> inline_labels(std::string_view text) {
  std::vector<Enumerator> labels;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    const std::string_view label = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = label.find('=');
    if (equals == 0 || equals == std::string_view::npos) return std::nullopt;
    const auto value = number(label.substr(equals + 1));
    if (!value) return std::nullopt;
    labels.push_back({std::string(label.substr(0, equals)), *value});
  }
  return labels;
}

std::optional<FieldType> field_type(std::string_view text) {
  if (text == "path") return FieldType{.kind = FieldType::Kind::kPath, .element_bytes = 1};
  if (text == "headers") return FieldType{.kind = FieldType::Kind::kHeaders, .element_bytes = 1};
  if (text == "string") return FieldType{.kind = FieldType::Kind::kString, .element_bytes = 1};
  if (text.ends_with('}')) {
    const std::size_t open = text.find('{');
    if (open == std::string_view::npos) return std::nullopt;
    auto type = element_type(text.substr(0, open));
    const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
    if (!type || inside.empty()) return std::nullopt;
    if (inside.find('=') == std::string_view::npos) {
      type->enumeration = std::string(inside);
      return type;
    }
    auto labels = inline_labels(inside);
    if (!labels) return std::nullopt;
    type->labels = std::move(*labels);
    return type;
  }
  if (!text.ends_with(']')) return element_type(text);
  const std::size_t open = text.find('[');
  if (open == std::string_view::npos) return std::nullopt;
  if (text.ends_with("[]")) {
    auto type = element_type(text.substr(0, open));
    if (type) type->kind = FieldType::Kind::kSequence;
    return type;
  }
  const auto count = number(text.substr(open + 1, text.size() - open - 2));
  if (!count || *count == 0 || *count > kMaxCount) return std::nullopt;
  const std::string_view element = text.substr(0, open);
  if (element == "text")
    return FieldType{.kind = FieldType::Kind::kText, .element_bytes = 1, .count = *count};
  auto type = element_type(element);
  if (type) {
    type->kind = FieldType::Kind::kArray;
    type->count = *count;
  }
  return type;
}

Result<EventRecipe> parse_event(std::string_view line) {
  EventRecipe event;
  event.name = std::string(take_word(&line));
  event.tracepoint = event.name;
  if (!line.empty()) {
    if (take_word(&line) != "=")
      return fail(Code::kInvalidArgument, "\"event NAME = TRACEPOINT\" should stand here");
    event.tracepoint = std::string(take_word(&line));
  }
  if (event.name.empty() || event.tracepoint.empty() || !line.empty())
    return fail(Code::kInvalidArgument, "\"event NAME [= TRACEPOINT]\" should stand here");
  return event;
}

Result<FieldRecipe> parse_field(std::string_view line) {
  FieldRecipe field;
  std::string_view word = take_word(&line);
  if (word == "optional") {
    field.is_optional = true;
    word = take_word(&line);
  }
  const auto type = field_type(word);
  if (!type)
    return fail(Code::kInvalidArgument, "\"" + std::string(word) + "\" is no type of a field");
  field.type = *type;
  field.name = std::string(take_word(&line));
  if (field.name.empty() || take_word(&line) != "=")
    return fail(Code::kInvalidArgument, "\"TYPE NAME = EXPRESSION\" should stand here");
  if (field.type.kind == FieldType::Kind::kSequence) {
    const std::size_t comma = line.rfind(',');
    if (comma == std::string_view::npos)
      return fail(Code::kInvalidArgument, "\"TYPE[] NAME = PLACE, COUNT\" should stand here");
    auto count = parse_expression(line.substr(comma + 1));
    if (!count) return tl::unexpected(std::move(count).error());
    field.count = std::move(*count);
    line = line.substr(0, comma);
  }
  auto value = parse_expression(line);
  if (!value) return tl::unexpected(std::move(value).error());
  field.value = std::move(*value);
  return field;
}

// Whether a value can be stored as a field of that type; "" if so.
std::string misfit(const FieldType& type, const Node& value) {
  const bool is_memory = value.kind == Node::Kind::kPlace && !value.is_pointer;
  switch (type.kind) {
    case FieldType::Kind::kSequence:
      if (!is_memory) return "a sequence is copied from memory";
      break;
    case FieldType::Kind::kHeaders:
    case FieldType::Kind::kInteger:
      if (is_memory) return "an array or a structure is no integer";
      break;
    case FieldType::Kind::kArray:
    case FieldType::Kind::kText:
      if (!is_memory && !value.is_pointer) return "an array is copied from memory";
      if (is_memory && value.size_bytes != 0 && value.size_bytes < type.size_bytes())
        return "the memory has " + std::to_string(value.size_bytes) + " bytes only";
      break;
    case FieldType::Kind::kString:
      if (!is_memory && !value.is_pointer) return "a string is copied from memory";
      break;
    case FieldType::Kind::kPath:
      if (!is_memory || value.operands.front().kind != Node::Kind::kArgument)
        return "a path is a member of what an argument points to";
      break;
  }
  return {};
}

// Looks the fields of an event up.
Status resolve_fields(const EventRecipe& recipe, const Scope& scope, ResolvedEvent* event) {
  const Btf& btf = *scope.btf;
  for (const FieldRecipe& field : recipe.fields) {
    auto value = resolve(*field.value, scope);
    if (!value) {
      if (field.is_optional) continue;
      Error error = std::move(value).error();
      error.message = recipe.name + "." + field.name + ": " + error.message;
      return tl::unexpected(std::move(error));
    }
    if (const std::string why = misfit(field.type, *value); !why.empty())
      return fail(Code::kInvalidArgument, recipe.name + "." + field.name + ": " + why);
    event->needs_raw_arguments = event->needs_raw_arguments || needs_raw_arguments(*value);
    ResolvedField resolved{field.name, field.type, field.type.labels, std::move(*value)};
    if (field.count) {
      auto count = resolve(*field.count, scope);
      if (!count) return tl::unexpected(std::move(count).error());
      event->needs_raw_arguments = event->needs_raw_arguments || needs_raw_arguments(*count);
      resolved.count = std::move(*count);
      resolved.stride = btf.shape(resolved.value.type).size_bytes;
    }
    if (!field.type.enumeration.empty()) {
      if (const auto tag = btf.find_tag(field.type.enumeration))
        resolved.labels = btf.enumerators(*tag);
    }
    event->fields.push_back(std::move(resolved));
  }
  return {};
}

}  // namespace

Result<std::vector<EventRecipe>> parse_recipes(std::string_view text, std::string_view file) {
  std::vector<EventRecipe> recipes;
  std::size_t line_number = 0;
  std::size_t group = 0;  // the first event of those that stand right behind each other
  const auto at_line = [&](Error error) {
    error.location = std::string(file) + ":" + std::to_string(line_number);
    return tl::unexpected(std::move(error));
  };
  while (!text.empty()) {
    ++line_number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.starts_with('#')) continue;
    if (line.starts_with("event ")) {
      auto event = parse_event(line.substr(6));
      if (!event) return at_line(std::move(event).error());
      if (!recipes.empty() && !recipes.back().fields.empty()) group = recipes.size();
      recipes.push_back(std::move(*event));
      continue;
    }
    if (recipes.empty())
      return at_line({Code::kInvalidArgument, "a field stands before the first event", {}});
    if (line.starts_with("when ")) {
      auto condition = parse_expression(line.substr(5));
      if (!condition) return at_line(std::move(condition).error());
      for (std::size_t i = group; i < recipes.size(); ++i) recipes[i].condition = *condition;
      continue;
    }
    auto field = parse_field(line);
    if (!field) return at_line(std::move(field).error());
    for (std::size_t i = group; i < recipes.size(); ++i) recipes[i].fields.push_back(*field);
  }
  return recipes;
}

Result<std::vector<EventRecipe>> built_in_recipes() {
  return parse_recipes(kKernelEventsText, "events.txt");
}

Result<ResolvedEvent> resolve(const EventRecipe& recipe, const Btf& btf,
                              const VariableFinder& variable) {
  const auto attach_to = btf.find_tracepoint(recipe.tracepoint);
  const auto arguments = btf.tracepoint_arguments(recipe.tracepoint);
  if (!attach_to || !arguments)
    return fail(Code::kNotFound, "kernel " + btf.release() + " has no tracepoint " +
                                     recipe.tracepoint + " with types");
  ResolvedEvent event{.name = recipe.name,
                      .tracepoint = recipe.tracepoint,
                      .attach_to = *attach_to,
                      .argument_count = static_cast<std::uint32_t>(arguments->parameters.size()),
                      .fields = {}};
  const Scope scope{.btf = &btf, .arguments = &arguments->parameters, .variable = variable};
  SILLAGE_TRY(resolve_fields(recipe, scope, &event));
  if (event.needs_raw_arguments) {
    for (ResolvedField& field : event.fields) {
      forget_argument_types(&field.value);
      forget_argument_types(&field.count);
    }
  }
  return event;
}

Result<ResolvedEvent> resolve_iterator(const EventRecipe& recipe, const Btf& btf) {
  const auto function = btf.find_function("bpf_iter_" + recipe.tracepoint);
  const auto prototype = function ? btf.prototype(*function) : std::nullopt;
  if (!prototype)
    return fail(Code::kNotFound,
                "kernel " + btf.release() + " has no iterator " + recipe.tracepoint);
  ResolvedEvent event{.name = recipe.name,
                      .tracepoint = recipe.tracepoint,
                      .attach_to = *function,
                      .argument_count = static_cast<std::uint32_t>(prototype->parameters.size()),
                      .fields = {}};
  const Scope scope{.btf = &btf, .arguments = &prototype->parameters};
  if (recipe.condition) {
    auto condition = resolve(*recipe.condition, scope);
    if (!condition) return tl::unexpected(std::move(condition).error());
    event.needs_raw_arguments = needs_raw_arguments(*condition);
    event.condition = std::move(*condition);
  }
  SILLAGE_TRY(resolve_fields(recipe, scope, &event));
  if (event.needs_raw_arguments)
    return fail(Code::kInvalidArgument, recipe.name + ": calculates with pointers that it knows");
  return event;
}

}  // namespace sillage::kernel
