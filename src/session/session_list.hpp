// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/session.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sillage::session {

/// A session as a user asks for it.
struct SessionRequest {
  std::string name{};  ///< "": auto-DATETIME
  OutputMode mode = OutputMode::kLocal;
  std::string output_path{};  ///< absolute; "": BASE/NAME-DATETIME
  std::string base_path{};    ///< absolute: where sessions without a path of their own go
  std::string
      buffers_path{};  ///< absolute: of the directory in which buffers get one, NAME-DATETIME; "": none
  std::string format{};  ///< "", "default", "ctf-1.8" or "ctf-2"
  std::uint32_t owner_uid = 0;
};

/// All sessions of a daemon, by name.
///
/// Lifetime: sessions stay where they are in memory until they are removed.
/// Threads:  one.
class SessionList {
 public:
  /// Makes a session; `datetime` is now, as YYYYmmdd-HHMMSS.
  ///
  /// Errors: kAlreadyExists    the name is taken.
  ///         kLimit            as many sessions as there may be.
  ///         kInvalidArgument  a name, path or format that cannot be.
  [[nodiscard]] Result<Session*> create(const SessionRequest& request, const std::string& datetime);

  /// Adds a session that was made elsewhere.
  ///
  /// Errors: kAlreadyExists  the name is taken; kLimit  as many sessions as there may be.
  [[nodiscard]] Result<Session*> add(Session session);

  /// Errors: kNotFound, with a suggestion.
  [[nodiscard]] Result<Session*> find(std::string_view name);

  /// Forgets a session. Nothing happens if there is none.
  void remove(std::string_view name);

  [[nodiscard]] const std::map<std::string, Session, std::less<>>& all() const { return sessions_; }

 private:
  std::map<std::string, Session, std::less<>> sessions_;
};

}  // namespace sillage::session
