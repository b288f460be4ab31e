// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::ctf {

/// Checks that the lengths and selectors of a CTF 2 trace are found where its field locations say,
/// in front of the fields that need them, and are what these need.
///
/// Lifetime: the classes of the roots must outlive it.
/// Source:   CTF2-SPEC-2.0rB sections 5.3.1, 5.3.22, 5.3.23 and 6.4.2.
class JsonLocationChecker {
 public:
  using Roots = std::array<FieldClassRef, 6>;  ///< by Scope; null: there is none

  explicit JsonLocationChecker(const Roots& roots) : roots_(roots) {}

  /// What is wrong with the fields of the root structure of `scope`; none: nothing.
  ///
  /// Cost: linear in the number of fields, aliases resolved, and of candidates for each location.
  [[nodiscard]] std::optional<std::string> check(Scope scope);

 private:
  /// A class around the field that is reached, and which of its members or options that is in.
  struct Frame {
    const FieldClass* field_class;
    std::size_t index = 0;
    std::string_view name{};
  };
  /// A class on the way of a location.
  struct Place {
    const FieldClass* field_class;
    std::size_t frame;  ///< its index in `frames_`, or kDecoded
  };
  static constexpr std::size_t kDecoded = ~std::size_t{0};

  bool visit(const FieldClass& field_class, std::string_view name);
  bool visit_parts(const FieldClass& field_class);
  bool check_length(const FieldLocation& location);
  bool check_selector(const FieldLocation& location, const std::vector<IntegerRange>& ranges,
                      bool is_signed);
  /// Finds what the location may lead to, in `found_`.
  bool find(const FieldLocation& location, const char* what);
  void follow(const FieldLocation& location, std::size_t step, std::vector<Place>& structures);
  void pass(Place place, const FieldLocation& location, std::size_t step,
            std::vector<Place>& structures);
  std::optional<std::size_t> find_member(const Structure& structure, const std::string& name);
  bool fail(std::string message);

  const Roots& roots_;
  Scope scope_ = Scope::kPacketHeader;
  std::vector<Frame> frames_;
  std::vector<const FieldClass*> found_;
  std::unordered_map<const Structure*, std::unordered_map<std::string_view, std::size_t>> indexes_;
  std::optional<std::string> error_;
};

}  // namespace sillage::ctf
