// SPDX-License-Identifier: MIT
// Result<T>: a value, or an Error that says what to do. The one type for expected failures outside the probe.
#pragma once

#include <tl/expected.hpp>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace sillage {

/// What kind of failure it was, for code that decides on it; the message is for people.
enum class Code : std::uint8_t {
  kInvalidArgument,  ///< the caller or user asked for something that cannot be
  kNotFound,         ///< no such file, session, event, process
  kAlreadyExists,    ///< the name is taken
  kPermission,       ///< the kernel or a peer's credentials refuse
  kNotReady,         ///< nothing yet; call again later
  kCorrupt,          ///< bytes from outside that cannot be what they claim
  kLimit,            ///< a bound of ours (size, count, time) would be passed
  kNoSpace,          ///< disk or memory is full
  kUnsupported,      ///< this machine or kernel cannot
  kTimeout,          ///< a deadline passed
  kSystem,           ///< any other system call failure
};

/// A failure: its kind, one sentence that says what happened and what to do, and where in the input.
struct Error {
  Code code = Code::kSystem;
  std::string message;
  std::string location;  ///< "file:line:column", "file@offset", or empty

  /// The message with its location in front, as it is shown to people.
  [[nodiscard]] std::string text() const {
    return location.empty() ? message : location + ": " + message;
  }
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// Makes the error value of a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(Code code, std::string message,
                                                std::string location = {}) {
  return tl::unexpected<Error>(Error{code, std::move(message), std::move(location)});
}

/// Makes the error value of a failed system call: "WHAT: strerror(error_number)", its code from errno.
[[nodiscard]] inline tl::unexpected<Error> fail_errno(std::string_view what,
                                                      int error_number = errno) {
  Code code = Code::kSystem;
  switch (error_number) {
    case ENOENT: code = Code::kNotFound; break;
    case EEXIST: code = Code::kAlreadyExists; break;
    case EACCES:
    case EPERM: code = Code::kPermission; break;
    case ENOSPC:
    case EDQUOT:
    case ENOMEM: code = Code::kNoSpace; break;
    case EMFILE:
    case ENFILE: code = Code::kLimit; break;
    case ENOSYS:
    case EOPNOTSUPP: code = Code::kUnsupported; break;
    case ETIMEDOUT: code = Code::kTimeout; break;
    case EAGAIN: code = Code::kNotReady; break;
    default: break;
  }
  return fail(code, std::string(what) + ": " + std::generic_category().message(error_number));
}

}  // namespace sillage

/// Returns the error of `expression` from the enclosing function, if it is one (for Status and Result).
#define SILLAGE_TRY(expression)                                                   \
  do {                                                                            \
    if (auto sillage_try_ = (expression); !sillage_try_)                          \
      return ::tl::unexpected<::sillage::Error>(std::move(sillage_try_).error()); \
  } while (0)
