// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "convert/bit_writer.hpp"
#include "convert/encode_form.hpp"
#include "convert/encoder.hpp"
#include "ctf/clock_time.hpp"
#include "ctf/data_stream.hpp"
#include "ctf/decoder.hpp"

#include <cstdint>
#include <optional>
#include <span>

namespace sillage::convert {

/// What is kept of a packet, and how it is counted.
struct PacketEdit {
  ctf::TimeRange range{};
  ctf::ClockTime clock{};
  bool has_clock = false;
  /// Event records lost before all that is kept: left out of the packet's counter.
  std::uint64_t lost_before = 0;
  bool writes_head = false;  ///< packet headers do not have the UUID of the trace

  [[nodiscard]] bool cuts() const { return has_clock && (range.begin_ns || range.end_ns); }
};

/// Writes packets again: in another form, without some of their event records, or both.
///
/// Lifetime: plan and form must outlive it.
class PacketRewriter {
 public:
  PacketRewriter(const ctf::Plan& plan, const TraceForm& form)
      : plan_(plan), form_(form), encoder_(plan) {}

  struct Outcome {
    std::uint64_t kept = 0, removed = 0;  ///< event records
    std::uint64_t content_bits = 0;
    std::optional<std::uint64_t> begin{}, end{};  ///< cycles, as the new packet says them
    /// Why the rest of the packet could not be read, or the packet not be written.
    std::optional<Error> error{};
    bool is_written = false;
  };

  /// Decodes the event records of the packet that `decoder` has started, and writes those of the
  /// range into `packet()`, head in front, counters right.
  ///
  /// `file`, `byte`: where the packet is, for errors.
  /// Errors: in the outcome. What was read before damage is written. Not written: a packet that says
  ///         no length whose content would not end with a byte.
  [[nodiscard]] Outcome rewrite(ctf::Decoder* decoder, const PacketEdit& edit,
                                const std::string& file, std::uint64_t byte);

  /// Copies a packet, with another number of lost event records and the UUID of the trace in its
  /// head.
  void copy(const ctf::Decoder& decoder, std::span<const std::byte> packet,
            std::uint64_t lost_before);

  /// The packet that was made last. Lifetime: until the next call.
  [[nodiscard]] std::span<const std::byte> packet() const { return out_.bytes(); }

  /// How this data stream class is written.
  [[nodiscard]] const StreamForm& form_of(const ctf::StreamPlan& stream) const;

 private:
  void put_head(const ctf::Decoder& decoder, const StreamForm& form, const HeadValues& values);
  void put_event(const ctf::EventView& event, const StreamForm& form);

  const ctf::Plan& plan_;
  const TraceForm& form_;
  Encoder encoder_;
  BitWriter out_;
};

/// What the head of a packet says, by role.
[[nodiscard]] HeadValues head_values(const ctf::PacketInfo& head, std::uint64_t lost_before);

/// The smallest and the largest number of cycles in [first, last] whose time is in the range.
[[nodiscard]] std::uint64_t first_in_range(const PacketEdit& edit, std::uint64_t first,
                                           std::uint64_t last);
[[nodiscard]] std::uint64_t last_in_range(const PacketEdit& edit, std::uint64_t first,
                                          std::uint64_t last);

}  // namespace sillage::convert
