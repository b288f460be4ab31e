// SPDX-License-Identifier: MIT
// The structures of a trace that is being translated into CTF 1.8, as far as they are known: what
// lengths and selectors can refer to.
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sillage::convert {

/// A member that was translated.
struct PlacedField {
  std::string name{};                  ///< in the original
  std::string identifier{};            ///< in CTF 1.8
  bool is_made = false;                ///< not of the original: found by nobody
  ctf::FieldClassRef field_class{};    ///< in CTF 1.8
  std::vector<PlacedField> members{};  ///< of a structure
};

/// Finds in CTF 1.8 what a location of CTF 2 means.
class Ctf18Scopes {
 public:
  /// A field and how it is referred to: identifiers, parents as `nullopt` in front.
  struct Target {
    ctf::FieldLocation location{};
    ctf::FieldClassRef field_class{};
  };

  /// Starts a root structure: those of later scopes are forgotten.
  void start(ctf::Scope scope);

  /// A structure is entered. `is_made`: it is not in the original.
  void enter(bool is_made);
  /// The member of this name is being translated.
  void set_current(std::string name) { frames_.back().current = std::move(name); }
  /// A member of the entered structure is translated.
  void add(PlacedField field) { frames_.back().members.push_back(std::move(field)); }
  /// A structure is left: its members.
  [[nodiscard]] std::vector<PlacedField> leave();

  /// The field at `location`, seen from the member that is being translated.
  ///
  /// None where CTF 1.8 cannot refer to it: it stands in an array, option or variant, or a nearer
  /// field has its name.
  [[nodiscard]] std::optional<Target> find(const ctf::FieldLocation& location) const;

 private:
  struct Frame {
    bool is_made = false;
    std::string current{};
    std::vector<PlacedField> members{};
  };

  [[nodiscard]] std::optional<Target> find_in_scope(const ctf::FieldLocation& location,
                                                    std::size_t frame) const;
  [[nodiscard]] std::optional<std::size_t> outer(std::size_t frame) const;
  [[nodiscard]] std::optional<std::size_t> inner(std::size_t frame) const;
  [[nodiscard]] bool is_shadowed(const std::string& identifier, std::size_t frame) const;

  ctf::Scope scope_ = ctf::Scope::kPacketHeader;
  std::vector<Frame> frames_;
  std::array<std::vector<PlacedField>, 6> roots_{};
};

}  // namespace sillage::convert
