// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/memory_budget.hpp"
#include "ctf/tsdl_type.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sillage::ctf {

/// Number of root structures of packets and event records: of Scope.
inline constexpr std::size_t kScopeCount = 6;

/// The root types that a reference can reach, by Scope; null: none.
using TsdlRoots = std::array<TsdlTypeRef, kScopeCount>;

/// Makes field classes of TSDL types once it is known where they stand: finds the fields that
/// lengths and tags refer to, gives reserved names their roles, takes the underscore off names.
///
/// Lifetime: the text and the budget must outlive it.
/// Source:   CTF 1.8.3 sections 4.1.3 to 5.2, 6, 7.3.2; the same order of look-ups as babeltrace2.
class TsdlPlacer {
 public:
  TsdlPlacer(std::string_view text, MemoryBudget& budget) : text_(text), budget_(budget) {}

  /// The field class of the root type of `scope`; null if there is none.
  ///
  /// Errors: kCorrupt  a reference that leads nowhere, or to a field that comes later or is no
  ///                   length or tag; a reserved name on a field that cannot mean that.
  ///         kLimit    the budget is used up.
  [[nodiscard]] Result<FieldClassRef> place(Scope scope, const TsdlRoots& roots);

  /// What the fields placed since the last `take_clocks()` said of clocks.
  struct Clocks {
    std::vector<std::size_t> mapped{};  ///< indices, each once
    bool has_unmapped_timestamp = false;
  };
  [[nodiscard]] Clocks take_clocks() { return std::exchange(clocks_, {}); }

  /// Memory taken from the budget so far.
  [[nodiscard]] std::size_t taken_bytes() const { return taken_bytes_; }

 private:
  /// A type that is being placed, and which of its members or options.
  struct Frame {
    const TsdlType* type;
    std::size_t index;
  };
  /// A field class to be, under its name.
  struct Named {
    const TsdlTypeRef& type;
    std::string_view name;
    std::size_t offset;
  };

  FieldClassRef place_type(const Named& named);
  FieldClassRef place_integer(const TsdlInteger& integer, const Named& named);
  FieldClassRef place_array(const TsdlArray& array, const Named& named);
  FieldClassRef place_structure(const TsdlStructure& structure, const Named& named);
  FieldClassRef place_variant(const TsdlVariant& variant, const Named& named);

  /// The role of an integer with this name at the place that is reached.
  [[nodiscard]] std::optional<Role> role_of(std::string_view name,
                                            const TsdlInteger& integer) const;
  void note_clock(const TsdlInteger& integer, std::string_view name);
  void check_magic(const Integer& integer, const Named& named);
  [[nodiscard]] bool is_uuid(const TsdlArray& array, const Named& named);

  /// Names of large types, so that many references into them take linear time.
  struct Indexes {
    std::unordered_map<const TsdlType*, std::unordered_map<std::string_view, std::size_t>> members;
    std::unordered_map<const Integer*, std::unordered_map<std::string_view, std::size_t>> labels;
  };
  /// Where the field is, and its type.
  struct Target {
    FieldLocation location{};
    const TsdlType* type = nullptr;
    Indexes* indexes = nullptr;  ///< which of ours know it
  };
  Target find(const TsdlReference& reference);
  Target find_relative(const TsdlReference& reference);
  Target find_absolute(const TsdlReference& reference, Scope scope, std::size_t prefix);
  /// Goes down from `type` along words `first` and following; true if all are there.
  bool descend(const TsdlReference& reference, std::size_t first, const TsdlType* type,
               Target& target);
  /// The member or option of this name, or null.
  const TsdlNamedType* find_name(const TsdlType& type, std::string_view name, Indexes& indexes);
  const Mapping* find_label(const Integer& tag, std::string_view label, Indexes& indexes);

  FieldClassRef keep(FieldClass field_class);
  [[nodiscard]] bool take(std::size_t bytes);
  void corrupt(std::size_t offset, std::string message);
  [[nodiscard]] bool ok() const { return !error_; }
  [[nodiscard]] bool is_top_level() const { return frames_.size() == 1; }

  std::string_view text_;
  MemoryBudget& budget_;
  Scope scope_ = Scope::kPacketHeader;
  const TsdlRoots* roots_ = nullptr;
  std::vector<Frame> frames_;
  // Types of events live as long as their event, those of streams and the trace to the end.
  Indexes event_indexes_, stream_indexes_;
  Clocks clocks_;
  std::size_t taken_bytes_ = 0;
  std::size_t offset_ = 0;  // of the member or option reached, for messages
  std::optional<Error> error_;
};

}  // namespace sillage::ctf
