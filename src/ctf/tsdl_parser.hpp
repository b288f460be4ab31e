// SPDX-License-Identifier: MIT
// TSDL's grammar: declarations of types and blocks.
#pragma once

#include "base/result.hpp"
#include "ctf/limits.hpp"
#include "ctf/memory_budget.hpp"
#include "ctf/tsdl_lexer.hpp"
#include "ctf/tsdl_type.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::ctf {

/// What types may refer to, wherever they stand.
struct TsdlEnvironment {
  ByteOrder byte_order = ByteOrder::kLittle;                   ///< of the trace: "native"
  std::unordered_map<std::string, std::size_t> clocks{};       ///< index by name
  std::unordered_map<std::string, EnvironmentValue> values{};  ///< of `env`, by name
};

/// Names of types, innermost scope last.
class TsdlScopes {
 public:
  TsdlScopes() : scopes_(1) {}

  void push() { scopes_.emplace_back(); }
  void pop() { scopes_.pop_back(); }
  /// Back to the outermost scope.
  void pop_all() { scopes_.resize(1); }

  /// False if the innermost scope has this name. `name` says the kind: "struct s", "unsigned int".
  [[nodiscard]] bool add(const std::string& name, TsdlTypeRef type) {
    return scopes_.back().emplace(name, std::move(type)).second;
  }
  /// The type, or null.
  [[nodiscard]] TsdlTypeRef find(const std::string& name) const;

 private:
  std::vector<std::unordered_map<std::string, TsdlTypeRef>> scopes_;
};

/// Where one declaration of the outermost scope stands, and what it is.
struct TsdlDeclaration {
  enum class Kind : std::uint8_t {
    kType,
    kTrace,
    kEnvironment,
    kClock,
    kCallsite,
    kStream,
    kEvent
  };
  Kind kind = Kind::kType;
  bool is_whole = true;  ///< false of a last one without an end
  std::size_t offset = 0;
};

/// Finds the declarations of a metadata text, in its order, looking only at braces and semicolons.
///
/// Errors: as TsdlLexer's, kLimit if the budget is used up. A declaration without an end is the last
///         one; parsing it says why.
[[nodiscard]] Result<std::vector<TsdlDeclaration>> find_tsdl_declarations(std::string_view text,
                                                                          MemoryBudget& budget);

/// Parses the declarations of one metadata text.
///
/// Lifetime: the text, environment, scopes and budget must outlive it.
/// Errors:   kCorrupt or kLimit, with line and column. The scopes are the outermost one again.
/// Cost:     recursion is bounded by `limits.nesting`.
/// Source:   CTF 1.8.3 appendix C; where it and babeltrace2's grammar differ, babeltrace2's.
class TsdlParser {
 public:
  TsdlParser(std::string_view text, const TsdlEnvironment& environment, TsdlScopes& scopes,
             const MetadataLimits& limits, MemoryBudget& budget)
      : text_(text),
        lexer_(text),
        environment_(environment),
        scopes_(scopes),
        limits_(limits),
        budget_(budget) {}

  /// Adds the types that a typedef, typealias, or named structure, variant or enumeration at
  /// `offset` declares.
  [[nodiscard]] Status parse_type_declaration(std::size_t offset);

  /// The block at `offset`.
  [[nodiscard]] Result<TsdlBlock> parse_block(std::size_t offset);

  /// Of the memory taken from the budget so far, what field classes keep when the types are gone:
  /// the labels of enumerations.
  [[nodiscard]] std::size_t kept_bytes() const { return kept_bytes_; }

 private:
  /// Type specifiers: a type, or a name that with stars behind it may be the name of another.
  struct Specifiers {
    TsdlTypeRef type{};
    std::string name{};
    std::size_t offset = 0;
  };
  /// Where a list of type specifiers stands, which decides where it ends.
  enum class Place : std::uint8_t { kMember, kAbstract, kContainer };

  // The first error ends parsing: from then on the current token is kEnd, and what is returned
  // means nothing.
  [[nodiscard]] bool ok() const { return !error_; }
  void set_error(Code code, std::size_t offset, std::string message);
  void corrupt(std::size_t offset, std::string message) {
    set_error(Code::kCorrupt, offset, std::move(message));
  }
  [[nodiscard]] bool take_memory(std::size_t bytes);

  void start(std::size_t offset);
  void advance();
  /// Takes the punctuation if it comes next.
  bool accept(std::string_view punctuation);
  void expect(std::string_view punctuation, const char* where);
  [[nodiscard]] std::string current_name() const;

  void declaration();
  void type_definition();
  void type_alias();
  void add_alias(const std::string& name, TsdlTypeRef type, std::size_t offset);
  [[nodiscard]] bool at_type_declaration() const;

  Specifiers specifiers(Place place);
  [[nodiscard]] TsdlTypeRef type_of(const Specifiers& specifiers);
  /// Stars; they are added to the name and make it the name of a pointer type.
  void pointers(Specifiers& specifiers, bool& is_pointer);
  /// A declarator behind specifiers: its type; its name goes to `name`.
  TsdlTypeRef declarator(Specifiers specifiers, std::string* name);
  TsdlTypeRef array_suffixes(TsdlTypeRef type);
  TsdlTypeRef array_of(TsdlTypeRef element, const TsdlAttribute& length,
                       std::vector<std::string> path);

  TsdlTypeRef integer_type();
  TsdlTypeRef floating_point_type();
  TsdlTypeRef string_type();
  TsdlTypeRef structure_type();
  TsdlTypeRef variant_type();
  TsdlTypeRef enumeration_type();
  void enumerators(Integer& enumeration);
  std::uint64_t enumerator_value(bool is_signed);
  /// The members of a structure or options of a variant, braces included.
  std::vector<TsdlNamedType> named_types(const char* what);
  TsdlTypeRef make(TsdlType type, std::size_t offset);
  /// The field class, shared by all numbers of the same layout: traces have some ten of them and a
  /// hundred thousand fields.
  FieldClassRef shared(const Integer& integer);
  FieldClassRef shared(const Float& number);

  /// `{ name = value; ... }`, braces included.
  std::vector<TsdlAttribute> attributes();
  TsdlAttribute attribute();
  void value(TsdlAttribute& attribute);
  std::vector<std::string> path();

  bool boolean(const TsdlAttribute& attribute);
  ByteOrder byte_order(const TsdlAttribute& attribute);
  std::uint32_t alignment(const TsdlAttribute& attribute);
  Base base(const TsdlAttribute& attribute);
  bool encoding(const TsdlAttribute& attribute);
  std::optional<std::size_t> mapped_clock(const TsdlAttribute& attribute);

  std::string_view text_;
  TsdlLexer lexer_;
  const TsdlEnvironment& environment_;
  TsdlScopes& scopes_;
  const MetadataLimits& limits_;
  MemoryBudget& budget_;
  TsdlToken current_;
  TsdlToken next_;
  std::uint32_t nesting_ = 0;
  std::size_t kept_bytes_ = 0;
  std::unordered_map<std::uint64_t, FieldClassRef> shared_;  // by what they are, packed
  FieldClassRef string_ = make_field_class(NullTerminatedString{});
  std::optional<Error> error_;
};

}  // namespace sillage::ctf
