// SPDX-License-Identifier: MIT
// Event records as text, byte for byte as Babeltrace 2.2 prints them.
#pragma once

#include "ctf/context_texts.hpp"
#include "ctf/data_stream.hpp"
#include "ctf/text_program.hpp"

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sillage::ctf {

/// What a line shows. The defaults are Babeltrace's.
struct TextOptions {
  // Times.
  bool clock_cycles = false;   ///< cycles instead of times
  bool clock_seconds = false;  ///< seconds from the origin instead of the time of day
  bool clock_date = false;     ///< the date in front of the time of day
  bool clock_gmt = false;      ///< UTC instead of local time
  bool delta = true;           ///< the time since the line before
  // Fields in front of the event's name.
  bool trace = false, hostname = true, domain = false, procname = true, vpid = true;
  bool log_level = false, emf_uri = false;
  // Names of fields.
  bool payload_names = true, context_names = true, header_names = false, scope_names = false;
  bool is_coloured = false;
};

/// Where in a program an event happened, as somebody else worked it out; shown as Babeltrace's debug_info. Empty: not known.
struct EventPlace {
  std::string_view object{}, function{}, source{};
};

/// Prints events as lines into a buffer.
///
/// Lifetime: traces and plans whose events were printed must outlive it.
/// Cost:     no allocation per event once the buffer has grown to its size.
/// Source:   text measured against Babeltrace 2.2 and 2.0.4.
class TextPrinter {
 public:
  explicit TextPrinter(const TextOptions& options);

  /// Appends the line of the event that `stream.next()` read last; `place` with its common context, if there is one.
  void print(const DataStream& stream, const EventPlace* place = nullptr);

  /// Appends the lines of events of one packet, the same as print() of each, but faster; stops once
  /// there are `enough_bytes` of text. Returns how many events it printed.
  ///
  /// `packet_text`: of packet_text().
  std::size_t print(const DataStream& stream, const RowBatch& batch, const PaddedText& packet_text,
                    std::size_t enough_bytes);

  /// What all lines of events in the packet of `stream.batch()` have in common.
  [[nodiscard]] PaddedText packet_text(const DataStream& stream);

  /// The time of the line printed last, which the next one's delta is counted from.
  struct LastTime {
    bool is_known = false;
    std::int64_t ns = 0;
    std::uint64_t cycles = 0;
  };
  [[nodiscard]] const TextOptions& options() const { return options_; }
  void set_last_time(const LastTime& time) { last_time_ = time; }

  /// What was printed since the last clear().
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), size_}; }
  void clear() { size_ = 0; }

  /// Text without its printer.
  struct Text {
    std::vector<char> buffer{};
    std::size_t size = 0;
    [[nodiscard]] std::string_view view() const { return {buffer.data(), size}; }
  };
  /// Gives the text away without a copy, and goes on behind `text`.
  void swap(Text* text) {
    buffer_.swap(text->buffer);
    std::swap(size_, text->size);
  }

  /// The line that warns of lost event records or packets. `is_coloured`: for this line.
  [[nodiscard]] std::string discarded_text(const Discarded& discarded, bool is_coloured);

  /// The first time in front of the origin was printed: such times are shown as [-sec.ns].
  [[nodiscard]] bool met_negative_time() const { return met_negative_time_; }

 private:
  /// What of a line is the same for all events of a class.
  struct ClassText {
    bool is_made = false;
    PaddedText head;  ///< from behind the times to the event's name and ": "
    TextProgram program;
  };
  struct StreamText {
    std::vector<ClassText> classes{};  ///< as StreamPlan::events
    ContextTexts contexts{};
  };
  struct Second {
    std::int64_t second = 0;
    bool is_set = false;
    PaddedText text;  ///< date and time of day, up to the point
  };

  // Makes room: so much may then be written without asking again.
  void reserve(std::size_t more) {
    if (size_ + more > buffer_.size()) [[unlikely]]
      grow(more);
  }
  void grow(std::size_t more);
  void put(std::string_view text);
  void put(char character);
  void put_unsigned(std::uint64_t number, unsigned minimum_digits = 1);
  void put_signed(std::int64_t number);
  void put_based(std::uint64_t number, unsigned shift, char prefix_letter);
  void put_name(std::string_view colour, std::string_view name);
  void put_times(std::int64_t ns, std::uint64_t cycles);
  void put_wall(std::int64_t ns);
  void put_delta(std::uint64_t delta_ns);
  StreamText& stream_text(const DataStream& stream);
  const ClassText& class_text(const DataStream& stream, StreamText* texts, std::uint32_t event) {
    ClassText& text = texts->classes[event];
    if (!text.is_made) [[unlikely]]
      make_class_text(stream, event, &text);
    return text;
  }
  void make_class_text(const DataStream& stream, std::uint32_t event, ClassText* text) const;
  std::string make_head(const DataStream& stream, const EventClass& event) const;
  void print_row(const DataStream& stream, const RowBatch& batch, const Row& row,
                 const ClassText& text, const PaddedText& packet_text, ContextTexts* contexts);
  char* put_array(char* out, const TextStep& step, const std::uint8_t* from, std::size_t count);
  void print_decoded(const DataStream& stream, const RowBatch& batch, const Row& row,
                     const ClassText& text, const PaddedText& packet_text);
  void print_decoded_fields(const DataStream& stream, const RowBatch& batch, const Row& row,
                            const ClassText& text, const PaddedText& packet_text);
  void put_event(const Plan& plan, const EventView& event, bool is_started,
                 const EventPlace* place = nullptr);
  void put_event_place(const EventPlace& place);
  char* put_plain_times(char* out, std::int64_t ns, std::uint64_t cycles);
  const PaddedText& second_text(std::int64_t second);
  // Room for `more` bytes at `out`, which is in the buffer; where it is afterwards.
  char* reserve_at(char* out, std::size_t more) {
    size_ = static_cast<std::size_t>(out - buffer_.data());
    reserve(more);
    return buffer_.data() + size_;
  }
  template <bool kIsTerminated>
  const std::uint8_t* put_escaped(const std::uint8_t* from, const std::uint8_t* end,
                                  const std::uint8_t* readable_end, char** out);
  void put_place(const Plan& plan, const Place& place, const Anchors& anchors, bool shows_names);
  void put_scope(const Plan& plan, std::string_view name, Values values, bool names,
                 bool* is_line_started);
  const Value* put_value(const Plan& plan, const Value* value, bool names);
  void put_integer(const FieldClass& field_class, const Value& value);
  void put_labels(const FieldClass& field_class, const Value& value);
  void put_flags(const FieldClass& field_class, std::uint64_t bits);
  void put_real(double number);
  void put_text(std::string_view text);
  void put_blob(std::string_view bytes);
  [[nodiscard]] std::string_view colour(std::string_view code) const {
    return options_.is_coloured ? code : std::string_view();
  }

  TextOptions options_;
  std::vector<char> buffer_;
  std::size_t size_ = 0;
  Second second_;
  LastTime last_time_;
  bool met_negative_time_ = false;
  bool has_plain_times_;
  std::unordered_map<const StreamPlan*, StreamText> texts_;
  const StreamPlan* last_stream_ = nullptr;  // of texts_
  StreamText* last_texts_ = nullptr;
  std::unordered_map<const Plan*, RowReader> readers_;
};

}  // namespace sillage::ctf
