// SPDX-License-Identifier: MIT
#pragma once

#include "abi/app_protocol.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "session/perf_counters.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sillage::apps {

/// A program's own clock: what its times are of.
struct AppClock {
  std::uint64_t frequency_hz = 1;
  std::uint64_t value = 0;              ///< what it said ...
  std::uint64_t monotonic_ns = 0;       ///< ... at this time of CLOCK_MONOTONIC
  std::string uuid, name, description;  ///< printable; "": none
};

/// What a program asks, checked. The pid and name are its own view: for display only, never identity.
struct AppRequest {
  sillage_app_type type = SILLAGE_APP_REGISTER;  ///< REGISTER, UPDATE or UNREGISTER
  std::uint64_t image_token = 0;
  std::uint32_t pid = 0;
  std::uint32_t word_bits = 64;
  std::uint32_t abi_minor = 0;  ///< of the protocol that it speaks
  std::string name;
  std::optional<AppClock> clock{};  ///< of its own
};

/// Reads one message of a program, exactly as long as what was received.
///
/// Errors: kCorrupt      a message that cannot be, with "message@OFFSET".
///         kUnsupported  another major version of the protocol.
/// Source: src/abi/app_protocol.h.
[[nodiscard]] Result<AppRequest> parse_app_request(std::span<const std::byte> bytes_untrusted);

/// A channel as one image is to feed it.
struct Attachment {
  std::uint64_t ring_id = 0;
  int ring_fd = -1;  ///< not owned
  std::vector<std::uint32_t> contexts;
  std::vector<std::uint32_t> ids;  ///< per site: 0 = not recorded, else event record id + 1
  /// Per site: has a filter. Empty: none has.
  std::vector<bool> is_filtered{};
  std::shared_ptr<const std::vector<std::byte>> filters{};  ///< their table (event_filter.hpp)
  std::uint32_t state_dump = 0;             ///< another number than before: a state dump is wanted
  std::vector<std::string> app_contexts{};  ///< names, by number - SILLAGE_CONTEXT_APP
  std::vector<session::PerfCounter> counters{};  ///< by number - SILLAGE_CONTEXT_COUNTER
};

/// A reply and the descriptors that go with it.
struct AppReply {
  std::vector<std::byte> bytes;
  std::vector<Fd> owned;         ///< made for this reply: the id tables
  std::vector<int> descriptors;  ///< in the protocol's order; some are `owned`, others not
};

/// Makes ATTACHMENTS. At most SILLAGE_APP_MAX_ATTACHMENTS are told. A program whose `abi_minor` does not know filters
/// records nothing at the sites that have one; one that does not know application contexts records nothing for channels
/// that have such.
///
/// Errors: kLimit, kNoSpace  the tables of ids cannot be made.
///         kLimit            the names of application contexts are too long together.
[[nodiscard]] Result<AppReply> make_attachments_reply(std::uint64_t image_token,
                                                      std::uint32_t generation,
                                                      std::uint32_t registration,
                                                      std::uint32_t abi_minor, int clock_fd,
                                                      const std::vector<Attachment>& attachments);

/// Makes REFUSED; `status` is an errno.
[[nodiscard]] AppReply make_refusal(int status);

}  // namespace sillage::apps
