// SPDX-License-Identifier: MIT
#include "ctf/tsdl_parser.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

namespace sillage::ctf {

namespace {

/// What the allocator and a vector that grows add to the size of a thing.
constexpr std::size_t kOverhead = 64;

bool is_any_of(const TsdlToken& token, std::initializer_list<std::string_view> words) {
  return token.kind == TsdlTokenKind::kWord &&
         std::find(words.begin(), words.end(), token.text) != words.end();
}

bool begins_compound(const TsdlToken& token) {
  return is_any_of(token, {"integer", "floating_point", "string", "struct", "variant", "enum"});
}

std::optional<TsdlDeclaration::Kind> block_kind(std::string_view word) {
  using Kind = TsdlDeclaration::Kind;
  constexpr std::array<std::pair<std::string_view, Kind>, 6> kKinds{{{"trace", Kind::kTrace},
                                                                     {"env", Kind::kEnvironment},
                                                                     {"clock", Kind::kClock},
                                                                     {"callsite", Kind::kCallsite},
                                                                     {"stream", Kind::kStream},
                                                                     {"event", Kind::kEvent}}};
  for (const auto& [name, kind] : kKinds) {
    if (name == word) return kind;
  }
  return std::nullopt;
}

}  // namespace

TsdlTypeRef TsdlScopes::find(const std::string& name) const {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    if (const auto found = scope->find(name); found != scope->end()) return found->second;
  }
  return nullptr;
}

Result<std::vector<TsdlDeclaration>> find_tsdl_declarations(std::string_view text,
                                                            MemoryBudget& budget) {
  std::vector<TsdlDeclaration> declarations;
  TsdlLexer lexer(text);
  while (true) {
    auto token = lexer.next();
    if (!token) return tl::unexpected(std::move(token).error());
    if (token->kind == TsdlTokenKind::kEnd) return declarations;
    if (token->is(";")) continue;
    TsdlDeclaration declaration{.offset = token->offset};
    if (token->kind == TsdlTokenKind::kWord)
      declaration.kind = block_kind(token->text).value_or(TsdlDeclaration::Kind::kType);
    std::size_t depth = 0;
    while (token->kind != TsdlTokenKind::kEnd && !(depth == 0 && token->is(";"))) {
      if (token->is("{")) ++depth;
      if (token->is("}")) {
        if (depth == 0)
          return fail(Code::kCorrupt, "'}' without a '{' before it",
                      tsdl_place(text, token->offset));
        --depth;
      }
      token = lexer.next();
      if (!token) return tl::unexpected(std::move(token).error());
    }
    declaration.is_whole = token->kind != TsdlTokenKind::kEnd;
    // Three times: the vector while it grows.
    if (!budget.take(3 * sizeof declaration))
      return fail(Code::kLimit, "this metadata has too many declarations for its size",
                  tsdl_place(text, declaration.offset));
    declarations.push_back(declaration);
  }
}

void TsdlParser::set_error(Code code, std::size_t offset, std::string message) {
  if (error_) return;
  error_ = Error{code, std::move(message), tsdl_place(text_, offset)};
  current_ = next_ = TsdlToken{.offset = text_.size()};
}

bool TsdlParser::take_memory(std::size_t bytes) {
  if (!ok()) return false;
  if (!budget_.take(bytes))
    set_error(Code::kLimit, current_.offset,
              "this metadata needs more than " + std::to_string(budget_.limit() >> 20) +
                  " MiB of memory for its size");
  return ok();
}

void TsdlParser::start(std::size_t offset) {
  lexer_ = TsdlLexer(text_, offset);
  error_.reset();
  nesting_ = 0;
  current_ = next_ = TsdlToken();
  advance();
  advance();
}

void TsdlParser::advance() {
  if (!ok()) return;
  current_ = next_;
  auto token = lexer_.next();
  if (token) {
    next_ = *token;
  } else {
    error_ = std::move(token).error();
    current_ = next_ = TsdlToken{.offset = text_.size()};
  }
}

bool TsdlParser::accept(std::string_view punctuation) {
  if (!current_.is(punctuation)) return false;
  advance();
  return true;
}

std::string TsdlParser::current_name() const {
  if (current_.kind == TsdlTokenKind::kEnd) return "the end of the metadata";
  constexpr std::size_t kShown = 40;
  return "'" + std::string(current_.text.substr(0, kShown)) + "'";
}

void TsdlParser::expect(std::string_view punctuation, const char* where) {
  if (accept(punctuation) || !ok()) return;
  corrupt(current_.offset,
          "expected '" + std::string(punctuation) + "' " + where + ", not " + current_name());
}

Status TsdlParser::parse_type_declaration(std::size_t offset) {
  start(offset);
  declaration();
  if (ok()) expect(";", "at the end of a declaration");
  scopes_.pop_all();
  if (!ok()) return tl::unexpected(std::move(*error_));
  return {};
}

Result<TsdlBlock> TsdlParser::parse_block(std::size_t offset) {
  start(offset);
  TsdlBlock block{.keyword = std::string(current_.text), .offset = offset};
  advance();
  scopes_.push();
  block.attributes = attributes();
  if (ok()) expect(";", "behind a block");
  scopes_.pop_all();
  if (!ok()) return tl::unexpected(std::move(*error_));
  return block;
}

bool TsdlParser::at_type_declaration() const {
  if (is_any_of(current_, {"typedef", "typealias"})) return true;
  // `struct = 1;` in a block is an attribute.
  return is_any_of(current_, {"struct", "variant", "enum"}) && !next_.is("=") && !next_.is(":=") &&
         !next_.is(".");
}

void TsdlParser::declaration() {
  if (current_.is_word("typealias")) {
    type_alias();
  } else if (current_.is_word("typedef")) {
    type_definition();
  } else if (begins_compound(current_) || current_.is_word("const")) {
    static_cast<void>(specifiers(Place::kMember));  // it adds the name, if there is one
  } else {
    corrupt(current_.offset,
            "expected a declaration (typealias, typedef, struct, variant, enum, "
            "trace, env, clock, stream, event), not " +
                current_name());
  }
}

void TsdlParser::add_alias(const std::string& name, TsdlTypeRef type, std::size_t offset) {
  if (!ok()) return;
  if (const auto* variant = type->as<TsdlVariant>(); variant != nullptr && !variant->selector) {
    corrupt(offset, "a variant needs its <tag> before it can have another name");
    return;
  }
  if (!take_memory(name.size() + 2 * kOverhead)) return;
  if (!scopes_.add(name, std::move(type)))
    corrupt(offset, "type '" + name + "' is declared twice in the same scope");
}

void TsdlParser::type_definition() {
  advance();
  const Specifiers specified = specifiers(Place::kMember);
  do {
    std::string name;
    const std::size_t offset = current_.offset;
    TsdlTypeRef type = declarator(specified, &name);
    if (ok() && name.empty())
      corrupt(offset, "expected the name of the type, not " + current_name());
    add_alias(name, std::move(type), offset);
  } while (ok() && accept(","));
}

void TsdlParser::type_alias() {
  advance();
  TsdlTypeRef type = declarator(specifiers(Place::kAbstract), nullptr);
  expect(":=", "in a typealias");
  const std::size_t offset = current_.offset;
  Specifiers alias{.offset = offset};
  while (current_.kind == TsdlTokenKind::kWord) {
    alias.name += (alias.name.empty() ? "" : " ") + std::string(current_.text);
    advance();
  }
  bool is_pointer = false;
  pointers(alias, is_pointer);
  if (ok() && alias.name.empty())
    corrupt(offset, "expected the name of the type, not " + current_name());
  add_alias(alias.name, std::move(type), offset);
}

TsdlParser::Specifiers TsdlParser::specifiers(Place place) {
  Specifiers result{.offset = current_.offset};
  if (current_.is_word("const") && begins_compound(next_)) advance();
  if (begins_compound(current_)) {
    if (current_.is_word("integer"))
      result.type = integer_type();
    else if (current_.is_word("floating_point"))
      result.type = floating_point_type();
    else if (current_.is_word("string"))
      result.type = string_type();
    else if (current_.is_word("struct"))
      result.type = structure_type();
    else if (current_.is_word("variant"))
      result.type = variant_type();
    else
      result.type = enumeration_type();
    if (current_.is_word("const")) advance();
    return result;
  }
  while (current_.kind == TsdlTokenKind::kWord) {
    // The last word of a member is its own name, whatever types there are.
    const bool is_last = next_.kind != TsdlTokenKind::kWord && !next_.is("*") && !next_.is("(");
    if (place == Place::kMember && is_last && !result.name.empty()) break;
    if (place == Place::kMember && is_last && (next_.is(";") || next_.is("["))) break;
    result.name += (result.name.empty() ? "" : " ") + std::string(current_.text);
    advance();
  }
  if (ok() && result.name.empty())
    corrupt(current_.offset, "expected a type, not " + current_name());
  return result;
}

TsdlTypeRef TsdlParser::type_of(const Specifiers& specified) {
  if (!ok()) return nullptr;
  if (specified.type) return specified.type;
  TsdlTypeRef type = scopes_.find(specified.name);
  if (!type)
    corrupt(specified.offset, "there is no type '" + specified.name +
                                  "'; types must be declared before they are used");
  return type;
}

void TsdlParser::pointers(Specifiers& specified, bool& is_pointer) {
  while (accept("*")) {
    is_pointer = true;
    specified.name += " *";
    if (current_.is_word("const")) {
      specified.name += " const";
      advance();
    }
  }
}

TsdlTypeRef TsdlParser::declarator(Specifiers specified, std::string* name) {
  bool is_pointer = false;
  const bool is_named_type = !specified.type;
  pointers(specified, is_pointer);
  if (ok() && is_pointer && !is_named_type)
    corrupt(specified.offset, "a pointer needs a typealias for its type, such as 'void *'");
  TsdlTypeRef type = type_of(specified);
  if (!ok()) return nullptr;
  if (const auto* integer = type->as<TsdlInteger>(); is_pointer && integer != nullptr) {
    Integer address = *integer->field_class->as<Integer>();
    address.base = Base::kHexadecimal;
    TsdlInteger pointer = *integer;
    pointer.field_class = shared(address);
    type = make({pointer}, specified.offset);
  }
  if (name != nullptr && current_.kind == TsdlTokenKind::kWord) {
    if (current_.text.size() > limits_.string_bytes)
      set_error(Code::kLimit, current_.offset,
                "this name is longer than " + std::to_string(limits_.string_bytes) + " bytes");
    *name = std::string(current_.text);
    advance();
  }
  if (current_.is(":") && name != nullptr)
    corrupt(current_.offset, "bit fields as in C are not supported; say integer { size = N; }");
  return array_suffixes(std::move(type));
}

TsdlTypeRef TsdlParser::array_suffixes(TsdlTypeRef type) {
  struct Suffix {
    TsdlAttribute length;
    std::vector<std::string> path;
  };
  std::vector<Suffix> suffixes;
  while (ok() && accept("[")) {
    Suffix suffix;
    suffix.length.value_offset = current_.offset;
    if (current_.kind == TsdlTokenKind::kWord) {
      suffix.length.kind = TsdlAttribute::Kind::kPath;
      suffix.path = path();
    } else {
      value(suffix.length);
    }
    expect("]", "behind the length of an array");
    suffixes.push_back(std::move(suffix));
    if (suffixes.size() > limits_.nesting)
      set_error(Code::kLimit, current_.offset, "types are nested too deeply here");
  }
  // As in C: `a[2][3]` is 2 of 3.
  for (auto suffix = suffixes.rbegin(); ok() && suffix != suffixes.rend(); ++suffix)
    type = array_of(std::move(type), suffix->length, std::move(suffix->path));
  return type;
}

TsdlTypeRef TsdlParser::array_of(TsdlTypeRef element, const TsdlAttribute& length,
                                 std::vector<std::string> path) {
  const std::size_t offset = length.value_offset;
  TsdlArray array{.element = std::move(element)};
  if (length.kind == TsdlAttribute::Kind::kInteger) {
    array.length = length.number;
  } else if (length.kind != TsdlAttribute::Kind::kPath) {
    corrupt(offset, "the length of an array is a number that is not negative, or a field");
  } else if (path.size() > 1 && path.front() == "env") {
    std::string name = path[1];
    for (std::size_t i = 2; i < path.size(); ++i) name += "." + path[i];
    const auto found = environment_.values.find(name);
    const std::int64_t* number =
        found == environment_.values.end() ? nullptr : std::get_if<std::int64_t>(&found->second);
    if (number == nullptr || *number < 0) {
      corrupt(offset, "the environment has no number '" + name + "' that can be a length");
      return nullptr;
    }
    array.length = static_cast<std::uint64_t>(*number);
  } else {
    array.length = TsdlReference{.path = std::move(path), .offset = offset};
  }
  if (const auto* number = std::get_if<std::uint64_t>(&array.length);
      number != nullptr && *number > limits_.static_length)
    set_error(Code::kLimit, offset, "no packet can hold an array of this length");
  return make({std::move(array)}, offset);
}

TsdlTypeRef TsdlParser::make(TsdlType type, std::size_t offset) {
  if (!take_memory(sizeof type + kOverhead)) return nullptr;
  std::uint32_t nesting = 0;
  std::uint64_t fields = 0;
  const auto add = [&](const TsdlTypeRef& inner) {
    nesting = std::max(nesting, inner->nesting);
    fields += inner->fields;  // each at most limits_.fields
    if (fields > limits_.fields)
      set_error(Code::kLimit, offset,
                "a type has more than " + std::to_string(limits_.fields) + " fields here");
  };
  if (const auto* array = type.as<TsdlArray>()) {
    add(array->element);
  } else if (const auto* structure = type.as<TsdlStructure>()) {
    for (const TsdlNamedType& member : structure->members) add(member.type);
  } else if (const auto* variant = type.as<TsdlVariant>()) {
    for (const TsdlNamedType& option : variant->options) add(option.type);
  }
  type.nesting = nesting + 1;
  type.fields = fields + 1;
  if (type.nesting > limits_.nesting)
    set_error(Code::kLimit, offset,
              "types are nested more than " + std::to_string(limits_.nesting) + " deep here");
  return std::make_shared<const TsdlType>(std::move(type));
}

TsdlTypeRef TsdlParser::structure_type() {
  const std::size_t offset = current_.offset;
  advance();
  std::string name;
  if (current_.kind == TsdlTokenKind::kWord) {
    name = "struct " + std::string(current_.text);
    advance();
  }
  TsdlTypeRef type;
  if (current_.is("{")) {
    TsdlStructure structure{.members = named_types("structure")};
    if (current_.is_word("align")) {
      advance();
      expect("(", "behind 'align'");
      TsdlAttribute attribute{.name = "align", .value_offset = current_.offset};
      value(attribute);
      structure.minimum_alignment_bits = alignment(attribute);
      expect(")", "behind the alignment");
    }
    type = make({std::move(structure)}, offset);
    if (ok() && !name.empty() && take_memory(name.size() + 2 * kOverhead) &&
        !scopes_.add(name, type))
      corrupt(offset, "'" + name + "' is declared twice in the same scope");
    return type;
  }
  if (ok() && name.empty()) corrupt(current_.offset, "expected '{', not " + current_name());
  return type_of({.name = name, .offset = offset});
}

TsdlTypeRef TsdlParser::variant_type() {
  const std::size_t offset = current_.offset;
  advance();
  std::string name;
  if (current_.kind == TsdlTokenKind::kWord) {
    name = "variant " + std::string(current_.text);
    advance();
  }
  std::optional<TsdlReference> selector;
  if (accept("<")) {
    selector = TsdlReference{.offset = current_.offset};
    selector->path = path();
    expect(">", "behind the tag of a variant");
  }
  TsdlTypeRef type;
  if (current_.is("{")) {
    type = make({TsdlVariant{.options = named_types("variant")}}, offset);
    if (ok() && type->as<TsdlVariant>()->options.empty())
      corrupt(offset, "a variant needs an option");
    // Without the tag: each use names its own.
    if (ok() && !name.empty() && take_memory(name.size() + 2 * kOverhead) &&
        !scopes_.add(name, type))
      corrupt(offset, "'" + name + "' is declared twice in the same scope");
  } else {
    if (ok() && name.empty()) corrupt(current_.offset, "expected '{', not " + current_name());
    type = type_of({.name = name, .offset = offset});
  }
  if (!ok() || !selector) return type;
  TsdlVariant tagged = *type->as<TsdlVariant>();
  if (!take_memory(tagged.options.size() * sizeof(TsdlNamedType))) return nullptr;
  tagged.selector = std::move(selector);
  return make({std::move(tagged)}, offset);
}

std::vector<TsdlNamedType> TsdlParser::named_types(const char* what) {
  std::vector<TsdlNamedType> types;
  std::unordered_set<std::string> names;
  const std::size_t begin = current_.offset;
  expect("{", "before members");
  if (++nesting_ > limits_.nesting)
    set_error(Code::kLimit, begin,
              "types are nested more than " + std::to_string(limits_.nesting) + " deep here");
  scopes_.push();
  while (ok() && !current_.is("}")) {
    if (is_any_of(current_, {"typedef", "typealias"})) {
      declaration();
      expect(";", "at the end of a declaration");
      continue;
    }
    const Specifiers specified = specifiers(Place::kMember);
    do {
      TsdlNamedType named{.offset = current_.offset};
      named.type = declarator(specified, &named.name);
      if (!ok()) break;
      if (named.name.empty()) {
        corrupt(named.offset, std::string("expected the name of a member of the ") + what +
                                  ", not " + current_name());
        break;
      }
      // Three times: the vector while it grows, and the set of names.
      if (!take_memory(3 * sizeof named + kOverhead + 2 * named.name.size())) break;
      if (!names.insert(named.name).second)
        corrupt(named.offset, "'" + named.name + "' is twice in this " + what);
      types.push_back(std::move(named));
    } while (ok() && accept(","));
    expect(";", "behind a member");
  }
  expect("}", "behind members");
  if (ok()) scopes_.pop();
  --nesting_;
  return types;
}

TsdlTypeRef TsdlParser::enumeration_type() {
  const std::size_t offset = current_.offset;
  advance();
  std::string name;
  if (current_.kind == TsdlTokenKind::kWord) {
    name = "enum " + std::string(current_.text);
    advance();
  }
  Specifiers container{.name = "int", .offset = offset};
  const bool has_container = accept(":");
  if (has_container) container = specifiers(Place::kContainer);
  if (!has_container && !current_.is("{")) {
    if (ok() && name.empty()) corrupt(current_.offset, "expected '{', not " + current_name());
    return type_of({.name = name, .offset = offset});
  }
  const TsdlTypeRef integer = type_of(container);
  if (!ok()) return nullptr;
  if (integer->as<TsdlInteger>() == nullptr) {
    corrupt(container.offset, "an enumeration needs an integer type");
    return nullptr;
  }
  TsdlInteger enumeration = *integer->as<TsdlInteger>();
  Integer labelled = *enumeration.field_class->as<Integer>();
  labelled.mappings.clear();
  enumerators(labelled);
  if (!take_memory(sizeof(FieldClass) + kOverhead)) return nullptr;
  kept_bytes_ += sizeof(FieldClass) + kOverhead;
  enumeration.field_class = make_field_class(std::move(labelled));
  TsdlTypeRef type = make({std::move(enumeration)}, offset);
  if (ok() && !name.empty() && take_memory(name.size() + 2 * kOverhead) && !scopes_.add(name, type))
    corrupt(offset, "'" + name + "' is declared twice in the same scope");
  return type;
}

void TsdlParser::enumerators(Integer& enumeration) {
  std::vector<Mapping>& mappings = enumeration.mappings;
  std::unordered_map<std::string, std::size_t> index_by_name;
  const bool is_signed = enumeration.is_signed;
  std::uint64_t next_value = 0;
  expect("{", "before the labels of an enumeration");
  while (ok() && !current_.is("}")) {
    const std::size_t offset = current_.offset;
    std::string label;
    if (current_.kind == TsdlTokenKind::kWord) {
      label = std::string(current_.text);
    } else if (current_.kind == TsdlTokenKind::kString) {
      label = tsdl_string_value(current_.text);
    } else {
      corrupt(offset, "expected a label, not " + current_name());
      return;
    }
    advance();
    IntegerRange range{next_value, next_value};
    if (accept("=")) {
      range.lower = range.upper = enumerator_value(is_signed);
      if (accept("...")) range.upper = enumerator_value(is_signed);
    }
    const bool is_empty =
        is_signed ? static_cast<std::int64_t>(range.lower) > static_cast<std::int64_t>(range.upper)
                  : range.lower > range.upper;
    if (ok() && is_empty)
      corrupt(offset, "the first value of label '" + label + "' is above its last");
    next_value = range.upper + 1;
    // Three times: the vector while it grows, and the index.
    const std::size_t bytes = 3 * sizeof(Mapping) + 2 * sizeof range + 3 * label.size() + kOverhead;
    if (!take_memory(bytes)) return;
    kept_bytes_ += bytes;
    const auto [found, is_new] = index_by_name.try_emplace(label, mappings.size());
    if (is_new) mappings.push_back({.name = std::move(label)});
    mappings[found->second].ranges.push_back(range);
    if (!accept(",")) break;
  }
  expect("}", "behind the labels of an enumeration");
  if (ok() && mappings.empty()) corrupt(current_.offset, "an enumeration needs a label");
}

std::uint64_t TsdlParser::enumerator_value(bool is_signed) {
  TsdlAttribute attribute{.name = "value", .value_offset = current_.offset};
  value(attribute);
  const bool is_number = attribute.kind == TsdlAttribute::Kind::kInteger ||
                         attribute.kind == TsdlAttribute::Kind::kNegativeInteger;
  if (ok() && !is_number) corrupt(attribute.value_offset, "expected a number");
  if (ok() && is_signed && attribute.kind == TsdlAttribute::Kind::kInteger &&
      attribute.number > static_cast<std::uint64_t>(INT64_MAX))
    corrupt(attribute.value_offset, "this number does not fit in 64 bits with a sign");
  return attribute.number;
}

std::vector<TsdlAttribute> TsdlParser::attributes() {
  std::vector<TsdlAttribute> result;
  expect("{", "before attributes");
  while (ok() && !current_.is("}")) {
    if (at_type_declaration()) {
      declaration();
    } else {
      result.push_back(attribute());
      const TsdlAttribute& added = result.back();
      if (!take_memory(3 * sizeof added + added.name.size() + added.text.size())) break;
    }
    expect(";", "behind an attribute");
  }
  expect("}", "behind attributes");
  return result;
}

TsdlAttribute TsdlParser::attribute() {
  TsdlAttribute result{.offset = current_.offset};
  if (current_.kind == TsdlTokenKind::kString) {
    result.name = tsdl_string_value(current_.text);
    advance();
  } else {
    for (const std::string& word : path()) result.name += (result.name.empty() ? "" : ".") + word;
  }
  if (result.name.size() > limits_.string_bytes)
    set_error(Code::kLimit, result.offset,
              "this name is longer than " + std::to_string(limits_.string_bytes) + " bytes");
  result.value_offset = next_.offset;
  if (accept(":=")) {
    result.kind = TsdlAttribute::Kind::kType;
    const Specifiers specified = specifiers(Place::kAbstract);
    result.type = declarator(specified, nullptr);
  } else {
    expect("=", "behind the name of an attribute");
    value(result);
  }
  return result;
}

void TsdlParser::value(TsdlAttribute& attribute) {
  using Kind = TsdlAttribute::Kind;
  const bool is_negative = current_.is("-");
  const bool has_sign = is_negative || current_.is("+");
  if (has_sign) advance();
  switch (current_.kind) {
    case TsdlTokenKind::kInteger:
      attribute.kind = is_negative ? Kind::kNegativeInteger : Kind::kInteger;
      attribute.number = is_negative ? 0 - current_.value : current_.value;
      if (is_negative && current_.value > std::uint64_t{1} << 63)
        corrupt(current_.offset, "this number does not fit in 64 bits with a sign");
      advance();
      return;
    case TsdlTokenKind::kString:
      if (has_sign) break;
      if (current_.text.size() > limits_.string_bytes)
        set_error(Code::kLimit, current_.offset,
                  "this string is longer than " + std::to_string(limits_.string_bytes) + " bytes");
      attribute.kind = Kind::kText;
      attribute.text = tsdl_string_value(current_.text);
      advance();
      return;
    case TsdlTokenKind::kWord:
      if (has_sign) break;
      attribute.kind = Kind::kPath;
      for (const std::string& word : path())
        attribute.text += (attribute.text.empty() ? "" : ".") + word;
      return;
    default: break;
  }
  corrupt(current_.offset, "expected a value, not " + current_name());
}

std::vector<std::string> TsdlParser::path() {
  std::vector<std::string> words;
  do {
    if (current_.kind != TsdlTokenKind::kWord) {
      corrupt(current_.offset, "expected a name, not " + current_name());
      break;
    }
    if (!take_memory(sizeof(std::string) + current_.text.size())) break;
    words.emplace_back(current_.text);
    advance();
  } while (ok() && (accept(".") || accept("->")));
  return words;
}

}  // namespace sillage::ctf
