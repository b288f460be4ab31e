// SPDX-License-Identifier: MIT
// Names of members as identifiers of CTF 1.8's language.
#pragma once

#include "ctf/text.hpp"

#include <string>
#include <string_view>

namespace sillage::ctf {

/// What is left of a name in an identifier, and how it begins: with an underscore that readers take
/// off, as LTTng's do. It keeps names apart from keywords and lets them begin with digits.
[[nodiscard]] std::string tsdl_identifier(std::string_view name);

/// Whether a name can stand as it is: an identifier that is no keyword, and shown with all its
/// letters.
[[nodiscard]] bool is_tsdl_identifier(std::string_view name);

/// Gives the members of one structure their identifiers.
class TsdlIdentifiers {
 public:
  /// An identifier that is not taken, and that readers show as the name if any identifier can do
  /// that.
  ///
  /// babeltrace2 2.0 refuses `_x` behind `__x`: it compares identifiers with the names that it has
  /// made of those before, without their first underscore. So both are taken by each; `x` is what is
  /// left to show x then.
  [[nodiscard]] std::string add(const std::string& name);

  /// Takes a name as it is; false if it, or what is shown of it, was taken before.
  [[nodiscard]] bool take(const std::string& name);

 private:
  UniqueNames names_;
};

}  // namespace sillage::ctf
