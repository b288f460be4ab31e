// SPDX-License-Identifier: MIT
#include "report/details.hpp"

#include "ctf/text.hpp"
#include "report/details_number.hpp"
#include "report/packet_losses.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sillage::report {
namespace {

using ctf::Value;
using ctf::ValueKind;

constexpr std::size_t kPieceBytes = 128u << 10;

// What Babeltrace sends from one stream, one after the other.
class MessageStream {
 public:
  enum class Kind : std::uint8_t {
    kStreamBegin,
    kLostEvents,
    kLostPackets,
    kPacketBegin,
    kEvent,
    kPacketEnd,
    kStreamEnd,
    kOver,
  };

  MessageStream(const ctf::DataStream& stream, const ctf::TimeRange& range,
                std::int64_t clock_offset_ns, const ctf::DamageReport& on_damage)
      : stream_(stream),
        range_(range),
        on_damage_(on_damage),
        decoder_(stream.trace().plan),
        has_clock_(stream.plan().clock != nullptr) {
    if (has_clock_) clock_ = ctf::ClockTime(*stream.plan().clock, clock_offset_ns);
  }

  void next() {
    switch (kind_) {
      case Kind::kStreamEnd:
      case Kind::kOver: set(Kind::kOver, std::nullopt); return;
      case Kind::kPacketBegin:
      case Kind::kEvent: next_event(); return;
      case Kind::kStreamBegin:
      case Kind::kPacketEnd: open_packet(); return;
      case Kind::kLostEvents:
      case Kind::kLostPackets: next_of_packet(); return;
    }
  }

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const ctf::DataStream& stream() const { return stream_; }
  [[nodiscard]] bool has_clock() const { return has_clock_; }
  /// Cycles; none: the message has no time.
  [[nodiscard]] std::optional<std::uint64_t> time() const { return time_; }
  /// The end of a loss.
  [[nodiscard]] std::optional<std::uint64_t> end() const { return end_; }
  /// Of a loss.
  [[nodiscard]] std::optional<std::uint64_t> count() const { return count_; }
  [[nodiscard]] const ctf::Decoder& decoder() const { return decoder_; }
  [[nodiscard]] std::int64_t ns(std::uint64_t cycles) const { return clock_.ns(cycles); }

 private:
  void set(Kind kind, std::optional<std::uint64_t> time) {
    kind_ = kind;
    time_ = has_clock_ ? time : std::nullopt;
  }

  void open_packet() {
    while (packet_ != stream_.packets().size()) {
      const ctf::PacketPlace& place = stream_.packets()[packet_++];
      const bool is_good = decoder_.start_packet(place.bytes());
      if (place.file->is_broken()) {
        if (const auto loss = place.file->take_loss()) on_damage_(*loss);
        continue;
      }
      if (!is_good) {
        on_damage_(decoder_.error(place.file->path(), place.byte));
        continue;
      }
      loss_ = losses_.next(decoder_.head());
      if (is_outside(decoder_.head())) {
        decoder_.finish_packet();
        continue;
      }
      next_of_packet();
      return;
    }
    set(Kind::kStreamEnd, std::nullopt);
  }

  [[nodiscard]] bool is_outside(const ctf::PacketInfo& head) const {
    if (!has_clock_) return false;
    if (range_.end_ns && head.begin && ns(*head.begin) > *range_.end_ns) return true;
    return range_.begin_ns && head.end && (!head.begin || *head.end >= *head.begin) &&
           ns(*head.end) < *range_.begin_ns;
  }

  // Losses stand in front of the packet.
  void next_of_packet() {
    if (loss_.events) {
      set(Kind::kLostEvents, loss_.events->begin);
      end_ = loss_.events->end;
      count_ = loss_.events->count;
      loss_.events.reset();
    } else if (loss_.packets) {
      set(Kind::kLostPackets, loss_.packets->begin);
      end_ = loss_.packets->end;
      count_ = loss_.packets->count;
      loss_.packets.reset();
    } else {
      last_event_.reset();
      set(Kind::kPacketBegin, decoder_.head().begin);
    }
  }

  // LTTng wrote packets that end in front of their last event, and lttng-crash(1) leaves an end of
  // 0 in those that were being written.
  [[nodiscard]] std::optional<std::uint64_t> packet_end() const {
    const std::optional<std::uint64_t>& end = decoder_.head().end;
    return end && last_event_ && *end < *last_event_ ? last_event_ : end;
  }

  void next_event() {
    while (true) {
      const ctf::PacketPlace& place = stream_.packets()[packet_ - 1];
      switch (decoder_.next_event()) {
        case ctf::Decoder::Step::kEvent: break;
        case ctf::Decoder::Step::kFault:
          if (!decoder_.head().is_cut) on_damage_(decoder_.error(place.file->path(), place.byte));
          [[fallthrough]];
        case ctf::Decoder::Step::kEnd:
          if (const auto missing = ctf::missing_end(place, decoder_.head())) on_damage_(*missing);
          set(Kind::kPacketEnd, packet_end());
          decoder_.finish_packet();
          place.file->forget(place.byte, place.byte_count);
          return;
      }
      const std::uint64_t cycles = decoder_.event().clock;
      last_event_ = cycles;
      if (has_clock_ && ((range_.begin_ns && ns(cycles) < *range_.begin_ns) ||
                         (range_.end_ns && ns(cycles) > *range_.end_ns))) {
        continue;
      }
      set(Kind::kEvent, cycles);
      return;
    }
  }

  const ctf::DataStream& stream_;
  const ctf::TimeRange& range_;
  const ctf::DamageReport& on_damage_;
  ctf::Decoder decoder_;
  ctf::ClockTime clock_;
  bool has_clock_;
  Kind kind_ = Kind::kStreamBegin;
  std::size_t packet_ = 0;
  LossCounter losses_;
  PacketLoss loss_;
  std::optional<std::uint64_t> time_, end_, count_;
  std::optional<std::uint64_t> last_event_;  // of the packet
};

using Kind = MessageStream::Kind;

// Messages as text.
class DetailsWriter {
 public:
  DetailsWriter(const ctf::TraceReader& reader, const ClockChange& clocks, Brush brush)
      : reader_(reader), clocks_(clocks), brush_(brush) {}

  void write(const MessageStream& message) {
    if (!text_.empty() || has_written_) text_ += '\n';
    const ctf::DataStream& stream = message.stream();
    const auto [number, is_new] = traces_.try_emplace(&stream.trace(), traces_.size());
    if (is_new) {
      append_trace_class(*stream.trace().plan, clocks_, brush_, &text_);
      text_ += '\n';
    }
    has_written_ = true;
    write_time(message);
    write_tag(number->second, stream);
    switch (message.kind()) {
      case Kind::kStreamBegin: write_stream(stream); break;
      case Kind::kStreamEnd: text_ += object("Stream end\n"); break;
      case Kind::kPacketBegin:
        text_ += object("Packet beginning");
        if (!write_root(message, "Context", message.decoder().packet_context(), ":\n")) {
          text_ += '\n';
        }
        break;
      case Kind::kPacketEnd: text_ += object("Packet end") + '\n'; break;
      case Kind::kLostEvents: write_loss(message, "events"); break;
      case Kind::kLostPackets: write_loss(message, "packets"); break;
      case Kind::kEvent: write_event(message); break;
      case Kind::kOver: break;
    }
  }

  [[nodiscard]] std::string_view text() const { return text_; }
  void clear() { text_.clear(); }

 private:
  [[nodiscard]] std::string object(const char* name) const { return brush_(Ink::kObject, name); }
  [[nodiscard]] std::string bold(std::string_view value) const {
    return brush_(Ink::kValue, value);
  }
  template <class Number>
  [[nodiscard]] std::string number(Number value, ctf::Base base = ctf::Base::kDecimal) const {
    return bold(grouped(value, base));
  }
  // A line of a property.
  void line(std::size_t indent, const char* name, std::string_view value) {
    text_.append(indent, ' ') += brush_(Ink::kProperty, name) + ": " + bold(value) + '\n';
  }

  // Pieces are coloured one by one, none is inside another.
  void write_tag(std::size_t trace, const ctf::DataStream& stream) {
    const auto put = [this](std::string_view text, std::uint64_t number) {
      text_ += brush_.begin(Ink::kTag).append(text);
      text_ += brush_(Ink::kTagNumber, std::to_string(number));
    };
    put("{Trace ", trace);
    put(", Stream class ID ", stream.plan().stream_class->id);
    put(", Stream ID ", stream.id());
    text_ += brush_(Ink::kTag, "}") + '\n';
  }

  void write_snapshot(const MessageStream& message, std::uint64_t cycles) {
    text_ += '[' + brush_(Ink::kTime, grouped(cycles)) + " cycles, " +
             brush_(Ink::kTime, grouped(message.ns(cycles))) + " ns from origin]\n";
  }

  void write_time(const MessageStream& message) {
    if (!message.has_clock()) return;
    if (message.kind() == Kind::kStreamBegin || message.kind() == Kind::kStreamEnd) {
      text_ += '[' + brush_(Ink::kTime, "Unknown") + "]\n";
      return;
    }
    if (!message.time()) return;
    write_snapshot(message, *message.time());
    const bool is_loss =
        message.kind() == Kind::kLostEvents || message.kind() == Kind::kLostPackets;
    if (is_loss && message.end()) write_snapshot(message, *message.end());
  }

  void write_loss(const MessageStream& message, const char* what) {
    text_ += object("Discarded ") + object(what);
    if (message.count()) text_ += " (" + number(*message.count()) + ' ' + what + ')';
    text_ += '\n';
  }

  void write_stream(const ctf::DataStream& stream) {
    const ctf::Trace& trace = stream.trace();
    const ctf::TraceClass& trace_class = trace.plan->model().trace;
    text_ += object("Stream beginning") + ":\n";
    line(2, "Name", stream.name());
    if (!stream.plan().stream_class->name.empty()) {
      line(2, "Class name", stream.plan().stream_class->name);
    }
    text_ += "  " + object("Trace") + " `" + bold(trace.name) + "`:\n";
    if (trace_class.uuid) line(4, "UUID", ctf::uuid_text(*trace_class.uuid));
    write_environment(trace_class.environment);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ids;
    for (const ctf::DataStream* each : reader_.streams()) {
      if (&each->trace() == &trace) ids.emplace_back(each->id(), each->plan().stream_class->id);
    }
    std::ranges::sort(ids);
    for (const auto& [id, class_id] : ids) {
      text_ += "    " + object("Stream") + " (ID " + number(id) + ", Class ID " + number(class_id) +
               ")\n";
    }
  }

  void write_environment(const std::vector<ctf::EnvironmentEntry>& environment) {
    if (environment.empty()) return;
    text_ += "    " + brush_(Ink::kProperty, "Environment") + " (" +
             number(std::uint64_t{environment.size()}) +
             (environment.size() == 1 ? " entry):\n" : " entries):\n");
    std::vector<const ctf::EnvironmentEntry*> sorted;
    sorted.reserve(environment.size());
    for (const ctf::EnvironmentEntry& entry : environment) sorted.push_back(&entry);
    std::ranges::sort(sorted, {}, [](const auto* entry) { return entry->name; });
    for (const ctf::EnvironmentEntry* entry : sorted) {
      const auto* integer = std::get_if<std::int64_t>(&entry->value);
      text_ += "      " + brush_(Ink::kMember, entry->name) + ": " +
               bold(integer != nullptr ? grouped(*integer) : std::get<std::string>(entry->value)) +
               '\n';
    }
  }

  void write_event(const MessageStream& message) {
    const ctf::EventView& event = message.decoder().event();
    const ctf::EventClass& event_class = *event.event->event_class;
    text_ += object("Event");
    if (!event_class.name.empty()) text_ += " `" + brush_(Ink::kEventName, event_class.name) + '`';
    text_ += " (Class ID " + number(event_class.id) + "):\n";
    write_root(message, "Common context", event.common_context, "");
    write_root(message, "Specific context", event.specific_context, "");
    write_root(message, "Payload", event.payload, "");
  }

  // False if there is nothing to show. `before`: stands in front of it.
  bool write_root(const MessageStream& message, const char* name, ctf::Values values,
                  const char* before) {
    const ctf::Plan& plan = *message.stream().trace().plan;
    if (values.empty() || plan.fields()[values.front().field].is_hidden) return false;
    text_.append(before).append("  ") += brush_(Ink::kProperty, name) + ':';
    write_value(plan, values.data(), 4);
    text_ += '\n';
    return true;
  }

  static ctf::Base base_of(const ctf::FieldClass& field_class) {
    if (const auto* integer = field_class.as<ctf::Integer>()) return integer->base;
    if (const auto* integer = field_class.as<ctf::VariableInteger>()) return integer->base;
    return ctf::Base::kDecimal;
  }

  // A value, from behind its name to the end of its last line; returns the value behind it.
  const Value* write_value(const ctf::Plan& plan, const Value* value, std::size_t indent) {
    const Value* const end = value + value->extent;
    const ctf::Field& field = plan.fields()[value->field];
    switch (value->kind) {
      case ValueKind::kUnsigned:
        text_ += ' ' + number(value->number, base_of(*field.field_class));
        break;
      case ValueKind::kSigned:
        text_ +=
            ' ' + number(static_cast<std::int64_t>(value->number), base_of(*field.field_class));
        break;
      case ValueKind::kBits: text_ += ' ' + number(value->number, ctf::Base::kHexadecimal); break;
      case ValueKind::kBoolean: text_ += ' ' + brush_.yes_or_no(value->number != 0); break;
      case ValueKind::kFloat32:
      case ValueKind::kFloat64: text_ += ' ' + bold(fmt::format("{:f}", value->real)); break;
      case ValueKind::kText: {
        const std::string_view text = value->text();
        text_ += ' ' + bold(text.substr(0, text.find('\0')));
        break;
      }
      case ValueKind::kBlob:
        put_length(value->size);
        for (const char character : value->text()) {
          text_ += fmt::format(" {:02x}", static_cast<unsigned char>(character));
        }
        break;
      case ValueKind::kArray: write_array(plan, value, indent); break;
      case ValueKind::kStructure: write_structure(plan, value, indent); break;
      case ValueKind::kOptional:
      case ValueKind::kVariant:
        if (value + 1 == end) {
          text_ += ' ' + brush_(Ink::kNone, "None");
        } else {
          write_value(plan, value + 1, indent);
        }
        break;
    }
    return end;
  }

  void put_length(std::uint64_t length) {
    text_ += length == 0 ? ' ' + brush_(Ink::kNone, "Empty") : " Length " + number(length) + ':';
  }

  void write_array(const ctf::Plan& plan, const Value* value, std::size_t indent) {
    const Value* const end = value + value->extent;
    put_length(value + 1 == end ? 0 : value->size);
    std::uint64_t index = 0;
    for (const Value* element = value + 1; element != end; ++index) {
      text_.append("\n").append(indent, ' ') +=
          brush_(Ink::kMember, '[' + grouped(index) + ']') + ':';
      element = write_value(plan, element, indent + 2);
    }
  }

  void write_structure(const ctf::Plan& plan, const Value* value, std::size_t indent) {
    const Value* const end = value + value->extent;
    bool is_empty = true;
    for (const Value* member = value + 1; member != end;) {
      const ctf::Field& field = plan.fields()[member->field];
      if (field.is_hidden) {
        member += member->extent;
        continue;
      }
      is_empty = false;
      text_.append("\n").append(indent, ' ') += brush_(Ink::kMember, field.name) + ':';
      member = write_value(plan, member, indent + 2);
    }
    if (is_empty) put_length(0);
  }

  const ctf::TraceReader& reader_;
  const ClockChange& clocks_;
  Brush brush_;
  std::unordered_map<const ctf::Trace*, std::size_t> traces_;  // numbers in order of appearance
  bool has_written_ = false;
  std::string text_;
};

// The streams in the order that decides between messages of one time.
std::vector<const ctf::DataStream*> ordered_streams(const ctf::TraceReader& reader) {
  const auto all = reader.streams();
  std::vector<const ctf::DataStream*> streams(all.begin(), all.end());
  const auto key = [](const ctf::DataStream* stream) {
    const std::optional<ctf::Uuid>& uuid = stream->trace().plan->model().trace.uuid;
    return std::tuple(!uuid, uuid.value_or(ctf::Uuid{}), stream->trace().name,
                      stream->plan().stream_class->id, stream->id(), stream->name());
  };
  std::ranges::sort(streams, {}, key);
  return streams;
}

}  // namespace

LossTotal print_details(const ctf::TraceReader& reader, const DetailsChoice& choice,
                        EventSelection* selection, const ctf::DamageReport& on_damage,
                        const std::function<bool(std::string_view)>& write) {
  std::vector<std::unique_ptr<MessageStream>> streams;
  for (const ctf::DataStream* stream : ordered_streams(reader)) {
    streams.push_back(
        std::make_unique<MessageStream>(*stream, choice.range, choice.clocks.offset_ns, on_damage));
  }
  DetailsWriter writer(reader, choice.clocks, Brush(choice.has_colours));
  LossTotal losses;
  std::uint64_t count = 0;
  std::int64_t last_ns = std::numeric_limits<std::int64_t>::min();
  while (count != choice.limit) {
    // What has no time comes at once.
    MessageStream* first = nullptr;
    std::int64_t first_ns = 0;
    for (const auto& stream : streams) {
      if (stream->kind() == Kind::kOver) continue;
      const std::int64_t ns = stream->time() ? stream->ns(*stream->time()) : last_ns;
      if (first != nullptr && first_ns <= ns) continue;
      first = stream.get();
      first_ns = ns;
    }
    if (first == nullptr) break;
    last_ns = first_ns;
    const bool is_event = first->kind() == Kind::kEvent;
    if (!is_event || selection->wants(first->decoder().event())) {
      writer.write(*first);
      count += is_event ? 1 : 0;
      if (first->kind() == Kind::kLostEvents) losses.add_events(first->count());
      if (first->kind() == Kind::kLostPackets) losses.packets += first->count().value_or(0);
    }
    first->next();
    if (writer.text().size() < kPieceBytes) continue;
    const bool is_written = write(writer.text());
    writer.clear();
    if (!is_written) return losses;
  }
  write(writer.text());
  return losses;
}

}  // namespace sillage::report
