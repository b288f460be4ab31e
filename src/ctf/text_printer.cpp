// SPDX-License-Identifier: MIT
#include "ctf/text_printer.hpp"

#include "ctf/escape.hpp"
#include "ctf/real_digits.hpp"
#include "ctf/text.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace sillage::ctf {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kFirstBuffer = 256u << 10;

// Colours of a terminal; bright ones are said by bold, as Babeltrace does by default.
constexpr std::string_view kReset = "\033[0m";
constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kCyan = "\033[36m";
constexpr std::string_view kYellow = "\033[33m";
constexpr std::string_view kUnknownColour = "\033[1m\033[1m\033[31m";
constexpr std::string_view kEventColour = "\033[1m\033[1m\033[35m";
constexpr std::string_view kTimeColour = "\033[1m\033[1m\033[33m";

constexpr std::array<const char*, 15> kLogLevels = {
    "TRACE_EMERG",          "TRACE_ALERT",         "TRACE_CRIT",         "TRACE_ERR",
    "TRACE_WARNING",        "TRACE_NOTICE",        "TRACE_INFO",         "TRACE_DEBUG_SYSTEM",
    "TRACE_DEBUG_PROGRAM",  "TRACE_DEBUG_PROCESS", "TRACE_DEBUG_MODULE", "TRACE_DEBUG_UNIT",
    "TRACE_DEBUG_FUNCTION", "TRACE_DEBUG_LINE",    "TRACE_DEBUG"};

constexpr auto kDigitPairs = [] {
  std::array<char, 200> pairs{};
  for (unsigned i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

// The characters that stand for themselves in text; the others are escaped.
constexpr auto kIsPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned i = 0; i < 256; ++i) {
    plain[i] = i >= 0x20 && i != 0x7f && i != '\\' && i != '\'' && i != '"' && i != '?';
  }
  return plain;
}();

const std::vector<Mapping>* mappings_of(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>()) return &integer->mappings;
  if (const auto* integer = field_class.as<VariableInteger>()) return &integer->mappings;
  return nullptr;
}

bool holds(const IntegerRange& range, std::uint64_t number, bool is_signed) {
  if (!is_signed) return number >= range.lower && number <= range.upper;
  const auto value = static_cast<std::int64_t>(number);
  return value >= static_cast<std::int64_t>(range.lower) &&
         value <= static_cast<std::int64_t>(range.upper);
}

const std::string* text_entry(const Trace& trace, std::string_view name) {
  const EnvironmentValue* value = trace.environment(name);
  return value == nullptr ? nullptr : std::get_if<std::string>(value);
}

}  // namespace

TextPrinter::TextPrinter(const TextOptions& options)
    : options_(options),
      buffer_(kFirstBuffer),
      has_plain_times_(!options.clock_cycles && !options.clock_seconds && !options.header_names &&
                       !options.is_coloured) {}

void TextPrinter::grow(std::size_t more) {
  buffer_.resize(std::max(2 * buffer_.size(), size_ + more));
}

void TextPrinter::put(std::string_view text) {
  reserve(text.size());
  // memcpy must not be given the nullptr of empty text, even for 0 bytes.
  if (!text.empty()) std::memcpy(buffer_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void TextPrinter::put(char character) {
  reserve(1);
  buffer_[size_++] = character;
}

void TextPrinter::put_unsigned(std::uint64_t number, unsigned minimum_digits) {
  char digits[20];
  char* const end = digits + sizeof digits;
  char* first = end;
  while (number >= 100) {
    first -= 2;
    std::memcpy(first, kDigitPairs.data() + 2 * (number % 100), 2);
    number /= 100;
  }
  if (number >= 10) {
    first -= 2;
    std::memcpy(first, kDigitPairs.data() + 2 * number, 2);
  } else {
    *--first = static_cast<char>('0' + number);
  }
  while (end - first < static_cast<std::ptrdiff_t>(minimum_digits)) *--first = '0';
  put({first, static_cast<std::size_t>(end - first)});
}

void TextPrinter::put_signed(std::int64_t number) {
  if (number >= 0) return put_unsigned(static_cast<std::uint64_t>(number));
  put('-');
  put_unsigned(~static_cast<std::uint64_t>(number) + 1);
}

// Octal and hexadecimal: as many digits as it takes.
void TextPrinter::put_based(std::uint64_t number, unsigned shift, char prefix_letter) {
  char digits[24];
  char* const end = digits + sizeof digits;
  char* first = end;
  do {
    *--first = "0123456789ABCDEF"[number & ((1u << shift) - 1)];
    number >>= shift;
  } while (number != 0);
  put('0');
  if (prefix_letter != '\0') put(prefix_letter);
  put({first, static_cast<std::size_t>(end - first)});
}

void TextPrinter::put_name(std::string_view code, std::string_view name) {
  put(colour(code));
  put(name);
  if (options_.is_coloured) put(kReset);
  put(" = ");
}

// The date and time of day of a second, up to the point.
const PaddedText& TextPrinter::second_text(std::int64_t second) {
  if (!second_.is_set || second_.second != second) {
    const auto time = static_cast<std::time_t>(second);
    std::tm fields{};
    const std::tm* done =
        options_.clock_gmt ? gmtime_r(&time, &fields) : localtime_r(&time, &fields);
    char text[64];
    std::size_t size = 0;
    if (done != nullptr) {
      size = std::strftime(text, sizeof text,
                           options_.clock_date ? "%Y-%m-%d %H:%M:%S." : "%H:%M:%S.", &fields);
    }
    second_ = {.second = second, .is_set = true, .text = PaddedText(std::string(text, size))};
  }
  return second_.text;
}

void TextPrinter::put_wall(std::int64_t ns) {
  std::int64_t second = ns / static_cast<std::int64_t>(kSecond);
  const std::int64_t part = ns % static_cast<std::int64_t>(kSecond);
  const bool is_negative = ns < 0;
  // The first such time is shown in seconds, later ones as Babeltrace does.
  const bool falls_back = is_negative && !options_.clock_seconds && !met_negative_time_;
  if (is_negative && !options_.clock_seconds) met_negative_time_ = true;
  const auto absolute_part = static_cast<std::uint64_t>(part < 0 ? -part : part);
  if (second < 0) second = -second;
  if (!options_.clock_seconds && !falls_back) {
    put(second_text(second).view());
    put_unsigned(absolute_part, 9);
    return;
  }
  if (is_negative) put('-');
  put_unsigned(static_cast<std::uint64_t>(second));
  put('.');
  put_unsigned(absolute_part, 9);
}

void TextPrinter::put_delta(std::uint64_t delta_ns) {
  put('+');
  put_unsigned(delta_ns / kSecond);
  put('.');
  put_unsigned(delta_ns % kSecond, 9);
}

void TextPrinter::put_times(std::int64_t ns, std::uint64_t cycles) {
  const bool names = options_.header_names;
  if (names) {
    put_name(kBold, "timestamp");
  } else {
    put('[');
  }
  put(colour(kTimeColour));
  if (options_.clock_cycles) {
    put_unsigned(cycles, 20);
  } else {
    put_wall(ns);
  }
  put(colour(kReset));
  if (!names) put("] ");
  if (options_.delta) {
    if (names) {
      put(", ");
      put_name(kBold, "delta");
    } else {
      put('(');
    }
    if (!last_time_.is_known) {
      put(options_.clock_cycles ? "+????????????" : "+?.?????????");
    } else if (options_.clock_cycles) {
      put('+');
      put_unsigned(cycles - last_time_.cycles, 12);
    } else {
      put_delta(static_cast<std::uint64_t>(ns) - static_cast<std::uint64_t>(last_time_.ns));
    }
    if (!names) put(") ");
  }
  last_time_ = {.is_known = true, .ns = ns, .cycles = cycles};
}

std::string TextPrinter::make_head(const DataStream& stream, const EventClass& event) const {
  const Trace& trace = stream.trace();
  const bool names = options_.header_names;
  std::string text;
  bool is_start = !(stream.has_time() && names);
  bool has_domain = false;  // something that ":" divides from what follows
  const auto name_equal = [&](const char* name) {
    text.append(colour(kBold)).append(name).append(colour(kReset)).append(" = ");
  };
  const auto begin = [&](const char* name, bool divides) {
    if (!is_start) text += ", ";
    if (names) {
      name_equal(name);
    } else if (divides && has_domain) {
      text += ':';
    }
  };
  if (options_.trace) {
    begin("trace", false);
    text += trace.name;
    if (names) text += ", ";
  }
  const auto entry = [&](bool is_shown, const char* key, const char* name, bool divides) {
    const std::string* value = is_shown ? text_entry(trace, key) : nullptr;
    if (value == nullptr) return;
    begin(name, divides);
    text += *value;
    has_domain = true;
  };
  entry(options_.hostname, "hostname", "trace:hostname", false);
  entry(options_.domain, "domain", "trace:domain", true);
  entry(options_.procname, "procname", "trace:procname", true);
  if (options_.vpid) {
    const EnvironmentValue* value = trace.environment("vpid");
    const auto* vpid = value == nullptr ? nullptr : std::get_if<std::int64_t>(value);
    if (vpid != nullptr) {
      begin("trace:vpid", true);
      text += "(" + std::to_string(*vpid) + ")";
      has_domain = true;
    }
  }
  if (options_.log_level && event.log_level && *event.log_level < kLogLevels.size()) {
    begin("loglevel", true);
    text.append(kLogLevels[*event.log_level]).append(" (" + std::to_string(*event.log_level) + ")");
    has_domain = true;
  }
  if (options_.emf_uri && !event.emf_uri.empty()) {
    begin("model.emf.uri", true);
    text += event.emf_uri;
    has_domain = true;
  }
  if (has_domain && !names) text += ' ';
  if (!is_start) text += ", ";
  if (names) name_equal("name");
  text.append(colour(event.name.empty() ? kUnknownColour : kEventColour));
  text += event.name.empty() ? "<unknown>" : event.name;
  text.append(colour(kReset)).append(names ? ", " : ": ");
  return text;
}

void TextPrinter::print(const DataStream& stream, const EventPlace* place) {
  const EventView& event = stream.event();
  const Plan& plan = *stream.trace().plan;
  if (stream.has_time()) put_times(stream.ns(), event.clock);
  put(class_text(stream, &stream_text(stream), stream.row().event).head.view());
  bool is_started = false;
  put_scope(plan, "stream.packet.context", event.packet_context, options_.context_names,
            &is_started);
  put_event(plan, event, is_started, place);
}

// One more member of the structure that was printed last: in front of its end.
void TextPrinter::put_event_place(const EventPlace& place) {
  constexpr std::string_view kEnd = " }";
  if (!text().ends_with(kEnd)) return;
  const bool names = options_.context_names;
  size_ -= kEnd.size();
  put(text().ends_with('{') ? " " : ", ");
  if (names) put_name(kCyan, "debug_info");
  put("{ ");
  const auto member = [&](std::string_view name, std::string_view value) {
    if (names) put_name(kCyan, name);
    put(colour(kBold));
    put_text(value);
    put(colour(kReset));
  };
  member("bin", place.object);
  put(", ");
  member("func", place.function);
  put(", ");
  member("src", place.source);
  put(kEnd);
  put(kEnd);
}

// The rest of a line, behind the packet context.
void TextPrinter::put_event(const Plan& plan, const EventView& event, bool is_started,
                            const EventPlace* place) {
  put_scope(plan, "stream.event.context", event.common_context, options_.context_names,
            &is_started);
  if (place != nullptr) put_event_place(*place);
  put_scope(plan, "event.context", event.specific_context, options_.context_names, &is_started);
  put_scope(plan, "event.fields", event.payload, options_.payload_names, &is_started);
  put('\n');
}

void TextPrinter::put_scope(const Plan& plan, std::string_view name, Values values, bool names,
                            bool* is_line_started) {
  if (values.empty() || plan.fields()[values.front().field].is_hidden) return;
  if (*is_line_started) put(", ");
  *is_line_started = true;
  if (options_.scope_names) put_name(kBold, name);
  put_value(plan, values.data(), names);
}

void TextPrinter::put_integer(const FieldClass& field_class, const Value& value) {
  Base base = Base::kDecimal;
  unsigned length = 64;
  if (const auto* integer = field_class.as<Integer>()) {
    base = integer->base;
    length = integer->layout.length_bits;
  } else if (const auto* variable = field_class.as<VariableInteger>()) {
    base = variable->base;
  }
  std::uint64_t number = value.number;
  // As many bits as whole digits of the field take.
  const auto cut = [&](unsigned digit_bits) {
    const unsigned bits = (length + digit_bits - 1) / digit_bits * digit_bits;
    if (bits < 64) number &= (std::uint64_t{1} << bits) - 1;
  };
  put(colour(kBold));
  switch (base) {
    case Base::kBinary:
      put("0b");
      for (unsigned bit = length; bit-- > 0;) put((number >> bit & 1) != 0 ? '1' : '0');
      break;
    case Base::kOctal:
      if (value.kind == ValueKind::kSigned) cut(3);
      put_based(number, 3, '\0');
      break;
    case Base::kHexadecimal:
      cut(4);
      put_based(number, 4, 'x');
      break;
    case Base::kDecimal:
      if (value.kind == ValueKind::kSigned) {
        put_signed(static_cast<std::int64_t>(number));
      } else {
        put_unsigned(number);
      }
      break;
  }
  put(colour(kReset));
}

void TextPrinter::put_labels(const FieldClass& field_class, const Value& value) {
  put("( ");
  bool is_known = false;
  for (const Mapping& mapping : *mappings_of(field_class)) {
    const bool is_it = std::ranges::any_of(mapping.ranges, [&](const IntegerRange& range) {
      return holds(range, value.number, value.kind == ValueKind::kSigned);
    });
    if (!is_it) continue;
    if (is_known) put(", ");
    is_known = true;
    put(colour(kBold));
    put_text(mapping.name);
    put(colour(kReset));
  }
  if (!is_known) {
    put(colour(kUnknownColour));
    put("<unknown>");
    put(colour(kReset));
  }
  put(" : container = ");
  put_integer(field_class, value);
  put(" )");
}

void TextPrinter::put_flags(const FieldClass& field_class, std::uint64_t bits) {
  const auto* map = field_class.as<BitMap>();
  if (map == nullptr) return;
  bool is_any = false;
  for (const Mapping& flag : map->flags) {
    const bool is_set = std::ranges::any_of(flag.ranges, [&](const IntegerRange& range) {
      for (std::uint64_t bit = range.lower; bit <= std::min<std::uint64_t>(range.upper, 63);
           ++bit) {
        if ((bits >> bit & 1) != 0) return true;
      }
      return false;
    });
    if (!is_set) continue;
    put(is_any ? ", " : " { ");
    is_any = true;
    put(colour(kBold));
    put_text(flag.name);
    put(colour(kReset));
  }
  if (is_any) put(" }");
}

void TextPrinter::put_real(double number) {
  if (std::isnan(number)) return put(std::signbit(number) ? "-nan" : "nan");
  reserve(kDigitSlack);
  char* const start = buffer_.data() + size_;
  size_ += static_cast<std::size_t>(ctf::put_real(start, number) - start);
}

void TextPrinter::put_text(std::string_view text) {
  // No character takes more than 4: "\x7f".
  reserve(4 * text.size() + 2);
  char* out = buffer_.data() + size_;
  *out++ = '"';
  for (const char character : text) {
    const auto byte = static_cast<std::uint8_t>(character);
    if (kIsPlain[byte]) [[likely]] {
      *out++ = character;
      continue;
    }
    if (byte == 0) break;
    out = put_escape(out, byte);
  }
  *out++ = '"';
  size_ = static_cast<std::size_t>(out - buffer_.data());
}

void TextPrinter::put_blob(std::string_view bytes) {
  put('{');
  reserve(3 * bytes.size());
  for (const char character : bytes) {
    const auto byte = static_cast<std::uint8_t>(character);
    buffer_[size_++] = ' ';
    buffer_[size_++] = "0123456789abcdef"[byte >> 4];
    buffer_[size_++] = "0123456789abcdef"[byte & 15];
  }
  put(" }");
}

// Appends a value with all inside it; returns the value behind it.
const Value* TextPrinter::put_value(const Plan& plan, const Value* value, bool names) {
  const Value* const end = value + value->extent;
  const Field& field = plan.fields()[value->field];
  switch (value->kind) {
    case ValueKind::kUnsigned:
    case ValueKind::kSigned: {
      const auto* mappings = mappings_of(*field.field_class);
      if (mappings != nullptr && !mappings->empty()) {
        put_labels(*field.field_class, *value);
      } else {
        put_integer(*field.field_class, *value);
      }
      break;
    }
    case ValueKind::kBoolean:
      put(colour(kBold));
      put(value->number != 0 ? "true" : "false");
      put(colour(kReset));
      break;
    case ValueKind::kBits:
      put(colour(kBold));
      put_based(value->number, 4, 'x');
      put(colour(kReset));
      put_flags(*field.field_class, value->number);
      break;
    case ValueKind::kFloat32:
    case ValueKind::kFloat64:
      put(colour(kBold));
      put_real(value->real);
      put(colour(kReset));
      break;
    case ValueKind::kText:
      put(colour(kBold));
      put_text(value->text());
      put(colour(kReset));
      break;
    case ValueKind::kBlob: put_blob(value->text()); break;
    case ValueKind::kArray: {
      put('[');
      std::uint64_t index = 0;
      for (const Value* element = value + 1; element != end; ++index) {
        put(index == 0 ? " " : ", ");
        if (names) {
          put('[');
          put_unsigned(index);
          put("] = ");
        }
        element = put_value(plan, element, names);
      }
      put(" ]");
      break;
    }
    case ValueKind::kStructure: {
      put('{');
      bool is_first = true;
      for (const Value* member = value + 1; member != end;) {
        const Field& member_field = plan.fields()[member->field];
        if (member_field.is_hidden) {
          member += member->extent;
          continue;
        }
        put(is_first ? " " : ", ");
        is_first = false;
        if (names) put_name(kCyan, member_field.name);
        member = put_value(plan, member, names);
      }
      put(" }");
      break;
    }
    case ValueKind::kOptional:
    case ValueKind::kVariant:
      if (value + 1 == end) {
        put("<none>");
        break;
      }
      put("{ ");
      put_value(plan, value + 1, names);
      put(" }");
      break;
  }
  return end;
}

std::string TextPrinter::discarded_text(const Discarded& discarded, bool is_coloured) {
  const DataStream& stream = *discarded.stream;
  const std::size_t start = size_;
  const auto code = [&](std::string_view text) { put(is_coloured ? text : std::string_view()); };
  code(kYellow);
  code(kBold);
  put("WARNING");
  code(kReset);
  code(kYellow);
  put(discarded.count ? ": Tracer discarded " : ": Tracer may have discarded ");
  if (discarded.count) {
    put_unsigned(*discarded.count);
    put(' ');
  }
  put(discarded.what == Discarded::What::kEvents ? "event" : "packet");
  if (!discarded.count || *discarded.count != 1) put('s');
  if (discarded.begin_ns && discarded.end_ns) {
    put(" between [");
    put_wall(*discarded.begin_ns);
    put("] and [");
    put_wall(*discarded.end_ns);
    put("] ");
  } else {
    put(" (unknown time range) ");
  }
  put("in trace \"");
  put(stream.trace().name);
  put("\" ");
  const auto& uuid = stream.trace().plan->model().trace.uuid;
  put(uuid ? "(UUID: " + uuid_text(*uuid) + ") " : "(no UUID) ");
  put("within stream \"");
  put(stream.name());
  put("\" (stream class ID: ");
  put_unsigned(stream.plan().stream_class->id);
  put(", stream ID: ");
  put_unsigned(stream.id());
  put(").");
  code(kReset);
  put('\n');
  std::string text(buffer_.data() + start, size_ - start);
  size_ = start;
  return text;
}

}  // namespace sillage::ctf
