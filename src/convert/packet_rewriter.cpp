// SPDX-License-Identifier: MIT
#include "convert/packet_rewriter.hpp"

#include <string>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

constexpr std::uint64_t kByte = 8;
/// Packets that say their length are padded to whole words, so that all of a file start aligned.
constexpr std::uint64_t kWord = 64;

constexpr std::uint64_t round_up(std::uint64_t bits, std::uint64_t alignment) {
  return (bits + alignment - 1) / alignment * alignment;
}

std::optional<std::uint64_t>& at(HeadValues* values, Role role) {
  return (*values)[static_cast<std::size_t>(role)];
}

// The smallest number in [first, last] for which `is_in`, which turns true once; last without one.
template <class IsIn>
std::uint64_t first_of(std::uint64_t first, std::uint64_t last, IsIn&& is_in) {
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    if (is_in(middle)) {
      last = middle;
    } else {
      first = middle + 1;
    }
  }
  return first;
}

}  // namespace

HeadValues head_values(const PacketInfo& head, std::uint64_t lost_before) {
  HeadValues values;
  at(&values, Role::kDataStreamClassId) = head.stream->stream_class->id;
  at(&values, Role::kDataStreamId) = head.stream_id;
  at(&values, Role::kDefaultClockTimestamp) = head.begin;
  at(&values, Role::kPacketEndDefaultClockTimestamp) = head.end;
  at(&values, Role::kPacketTotalLength) = head.total_bits;
  at(&values, Role::kPacketContentLength) = head.content_bits;
  at(&values, Role::kPacketSequenceNumber) = head.sequence_number;
  if (head.discarded_events) {
    // A counter that has stepped back stays as it is.
    const std::uint64_t count = *head.discarded_events;
    at(&values, Role::kDiscardedEventRecordCounterSnapshot) =
        count >= lost_before ? count - lost_before : count;
  }
  return values;
}

std::uint64_t first_in_range(const PacketEdit& edit, std::uint64_t first, std::uint64_t last) {
  if (!edit.has_clock || !edit.range.begin_ns) return first;
  return first_of(first, last, [&](std::uint64_t cycles) {
    return edit.clock.ns(cycles) >= *edit.range.begin_ns;
  });
}

std::uint64_t last_in_range(const PacketEdit& edit, std::uint64_t first, std::uint64_t last) {
  if (!edit.has_clock || !edit.range.end_ns || edit.clock.ns(last) <= *edit.range.end_ns) {
    return last;
  }
  const std::uint64_t behind = first_of(first, last, [&](std::uint64_t cycles) {
    return edit.clock.ns(cycles) > *edit.range.end_ns;
  });
  return behind == first ? first : behind - 1;
}

const StreamForm& PacketRewriter::form_of(const StreamPlan& stream) const {
  return form_.streams[static_cast<std::size_t>(&stream - plan_.streams().data())];
}

void PacketRewriter::put_head(const Decoder& decoder, const StreamForm& form,
                              const HeadValues& values) {
  encoder_.encode(form_.packet_header, decoder.packet_header(), &out_, &values);
  encoder_.encode(form.packet_context, decoder.packet_context(), &out_, &values);
}

void PacketRewriter::put_event(const EventView& event, const StreamForm& form) {
  const auto number = static_cast<std::size_t>(event.event - event.stream->events.data());
  encoder_.encode(form.event_header, event.header, &out_);
  encoder_.encode(form.common_context, event.common_context, &out_);
  encoder_.encode(form.events[number].specific_context, event.specific_context, &out_);
  encoder_.encode(form.events[number].payload, event.payload, &out_);
}

void PacketRewriter::copy(const Decoder& decoder, std::span<const std::byte> packet,
                          std::uint64_t lost_before) {
  out_.copy(packet);
  HeadValues values;
  constexpr Role kRole = Role::kDiscardedEventRecordCounterSnapshot;
  at(&values, kRole) = head_values(decoder.head(), lost_before)[static_cast<std::size_t>(kRole)];
  put_head(decoder, form_of(*decoder.head().stream), values);
}

PacketRewriter::Outcome PacketRewriter::rewrite(Decoder* decoder, const PacketEdit& edit,
                                                const std::string& file, std::uint64_t byte) {
  const PacketInfo head = decoder->head();
  const StreamForm& form = form_of(*head.stream);
  Outcome outcome;
  HeadValues values = head_values(head, edit.lost_before);
  if (head.begin && head.end && *head.end >= *head.begin) {
    outcome.begin = first_in_range(edit, *head.begin, *head.end);
    outcome.end = last_in_range(edit, *outcome.begin, *head.end);
  } else {
    outcome.begin = head.begin;
    outcome.end = head.end;
  }
  at(&values, Role::kDefaultClockTimestamp) = outcome.begin;
  at(&values, Role::kPacketEndDefaultClockTimestamp) = outcome.end;
  out_.clear();
  put_head(*decoder, form, values);
  Decoder::Step step = Decoder::Step::kEnd;
  while ((step = decoder->next_event()) == Decoder::Step::kEvent) {
    const EventView& event = decoder->event();
    const std::int64_t ns = edit.has_clock ? edit.clock.ns(event.clock) : 0;
    const bool is_out = edit.has_clock && ((edit.range.begin_ns && ns < *edit.range.begin_ns) ||
                                           (edit.range.end_ns && ns > *edit.range.end_ns));
    ++(is_out ? outcome.removed : outcome.kept);
    if (!is_out) put_event(event, form);
  }
  if (step == Decoder::Step::kFault) outcome.error = decoder->error(file, byte);
  outcome.content_bits = out_.position();
  const Roles roles = roles_in(form.packet_context.field_class);
  std::uint64_t total = round_up(outcome.content_bits, kByte);
  if (!roles.has(Role::kPacketContentLength)) {
    if (outcome.content_bits != total) {
      outcome.error = Error{Code::kUnsupported,
                            "a packet that does not say how long its content is would not end with "
                            "a byte: it cannot be written",
                            file + "@" + std::to_string(byte)};
      return outcome;
    }
  } else if (roles.has(Role::kPacketTotalLength)) {
    total = round_up(outcome.content_bits, kWord);
  }
  at(&values, Role::kPacketTotalLength) = total;
  at(&values, Role::kPacketContentLength) = outcome.content_bits;
  out_.seek(0);
  put_head(*decoder, form, values);
  out_.resize(total / kByte);
  outcome.is_written = true;
  return outcome;
}

}  // namespace sillage::convert
