// SPDX-License-Identifier: MIT
#include "convert/chrome_writer.hpp"

#include "convert/labels.hpp"
#include "ctf/text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

/// Integers above this are not exact in the doubles of JavaScript: they become text.
constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
/// Numbers of the tracks that are no CPU, among the "threads" of process 0.
constexpr std::int64_t kFirstStream = 1'000'000;

template <class Number>
void append_number(Number number, std::string* out, int base = 10) {
  std::array<char, 72> digits;
  const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), number, base);
  out->append(digits.data(), done.ptr);
}

}  // namespace

ChromeWriter::ChromeWriter(OutputFile file) : file_(std::move(file)) {
  text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[";
  put_metadata({}, "process_name", "CPUs");
}

ChromeWriter::Place ChromeWriter::place_of(const Track& track) {
  switch (track.kind) {
    case Track::Kind::kThread: return {.pid = track.pid, .tid = track.tid};
    case Track::Kind::kCpu: return {.tid = static_cast<std::int64_t>(track.cpu)};
    case Track::Kind::kStream: break;
  }
  return {.tid = kFirstStream + static_cast<std::int64_t>(track.id)};
}

void ChromeWriter::put_text(std::string_view text) {
  text_ += '"';
  for (const char character : valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(character);
    if (character == '"' || character == '\\') {
      text_ += '\\';
      text_ += character;
    } else if (byte < 0x20) {
      text_ += "\\u00";
      text_ += hexadecimal({&character, 1});
    } else {
      text_ += character;
    }
  }
  text_ += '"';
}

// Begins an event up to its time; metadata has none.
void ChromeWriter::start(char phase, const Place& place, std::optional<std::int64_t> ns) {
  text_ += is_first_ ? "\n" : ",\n";
  is_first_ = false;
  text_ += "{\"ph\":\"";
  text_ += phase;
  text_ += "\",\"pid\":";
  append_number(place.pid, &text_);
  text_ += ",\"tid\":";
  append_number(place.tid, &text_);
  if (!ns) return;
  if (!begin_ns_) begin_ns_ = *ns;
  const std::int64_t since = *ns - *begin_ns_;
  const std::uint64_t size =
      since < 0 ? ~static_cast<std::uint64_t>(since) + 1 : static_cast<std::uint64_t>(since);
  text_ += since < 0 ? ",\"ts\":-" : ",\"ts\":";
  append_number(size / 1000, &text_);
  const std::uint64_t digits = size % 1000;
  text_ += '.';
  text_ += static_cast<char>('0' + digits / 100);
  text_ += static_cast<char>('0' + digits / 10 % 10);
  text_ += static_cast<char>('0' + digits % 10);
}

void ChromeWriter::end_event() {
  text_ += '}';
  constexpr std::size_t kPieceBytes = 64u << 10;
  if (text_.size() < kPieceBytes) return;
  file_.append(text_);
  text_.clear();
}

void ChromeWriter::put_metadata(const Place& place, std::string_view what, std::string_view name) {
  start('M', place, std::nullopt);
  text_ += ",\"name\":\"";
  text_ += what;
  text_ += "\",\"args\":{\"name\":";
  put_text(name);
  text_ += '}';
  end_event();
}

void ChromeWriter::name_track(const Track& track) {
  const std::string name =
      track.kind == Track::Kind::kCpu ? "CPU " + std::to_string(track.cpu) : track.name;
  if (!name.empty()) put_metadata(place_of(track), "thread_name", name);
}

void ChromeWriter::name_process(std::int64_t pid, std::string_view name) {
  put_metadata({.pid = pid, .tid = pid}, "process_name", name);
}

void ChromeWriter::put_mark(char phase, const Mark& mark) {
  start(phase, place_of(*mark.track), mark.ns);
  if (!mark.name.empty()) {
    text_ += ",\"name\":";
    put_text(mark.name);
  }
  if (!mark.category.empty()) {
    text_ += ",\"cat\":";
    put_text(mark.category);
  }
  if (phase == 'i') text_ += ",\"s\":\"t\"";
  if (mark.arguments != nullptr) put_arguments(*mark.arguments);
  end_event();
}

void ChromeWriter::switch_thread(const ThreadSwitch& change) {
  const Place place = place_of(*change.cpu);
  if (running_.erase(change.cpu->id) != 0) {
    start('E', place, change.ns);
    text_ += ",\"args\":{\"prev_state\":";
    append_number(change.previous_state, &text_);
    text_ += '}';
    end_event();
  }
  if (change.next_tid == 0) return;
  running_.insert(change.cpu->id);
  start('B', place, change.ns);
  text_ += ",\"name\":";
  put_text(change.next_name.empty() ? "thread " + std::to_string(change.next_tid)
                                    : std::string(change.next_name));
  text_ += ",\"cat\":\"sched\",\"args\":{\"tid\":";
  append_number(change.next_tid, &text_);
  text_ += ",\"prio\":";
  append_number(change.next_priority, &text_);
  text_ += '}';
  end_event();
}

void ChromeWriter::put_arguments(const Arguments& arguments) {
  text_ += ",\"args\":{";
  bool is_first = true;
  if (!arguments.payload.empty()) {
    is_first = put_members(arguments, arguments.payload.data(), is_first);
  }
  bool is_context_open = false;
  bool is_first_context = true;
  for (const Values context : arguments.contexts) {
    if (context.empty()) continue;
    const std::size_t before = text_.size();
    if (!is_context_open) text_ += is_first ? "\"context\":{" : ",\"context\":{";
    if (put_members(arguments, context.data(), is_first_context) == is_first_context) {
      text_.resize(before);
      continue;
    }
    is_context_open = true;
    is_first_context = false;
  }
  if (is_context_open) text_ += '}';
  text_ += '}';
}

// Returns whether nothing was put so far.
bool ChromeWriter::put_members(const Arguments& arguments, const Value* structure, bool is_first) {
  const Value* const end = structure + structure->extent;
  for (const Value* member = structure + 1; member != end; member += member->extent) {
    if (!arguments.is_shown(*member)) continue;
    if (!is_first) text_ += ',';
    is_first = false;
    put_text(arguments.plan->fields()[member->field].name);
    text_ += ':';
    put_value(arguments, member);
  }
  return is_first;
}

void ChromeWriter::put_number(const FieldClass& field_class, const Value& value) {
  const bool is_signed = value.kind == ValueKind::kSigned;
  const auto number = static_cast<std::int64_t>(value.number);
  const std::string label = labels_of(field_class, value.number, is_signed);
  std::string digits;
  const bool is_hexadecimal = base_of(field_class) == Base::kHexadecimal && !is_signed;
  if (is_hexadecimal) {
    digits = "0x";
    append_number(value.number, &digits, 16);
  } else if (is_signed) {
    append_number(number, &digits);
  } else {
    append_number(value.number, &digits);
  }
  const std::uint64_t size = is_signed && number < 0 ? ~value.number + 1 : value.number;
  if (!label.empty()) {
    put_text(label + " (" + digits + ")");
  } else if (is_hexadecimal || size > kExact) {
    put_text(digits);
  } else {
    text_ += digits;
  }
}

const Value* ChromeWriter::put_value(const Arguments& arguments, const Value* value) {
  const Value* const end = value + value->extent;
  const FieldClass& field_class = *arguments.plan->fields()[value->field].field_class;
  switch (value->kind) {
    case ValueKind::kUnsigned:
    case ValueKind::kSigned: put_number(field_class, *value); break;
    case ValueKind::kBits: {
      std::string digits = "0x";
      append_number(value->number, &digits, 16);
      put_text(digits);
      break;
    }
    case ValueKind::kBoolean: text_ += value->number != 0 ? "true" : "false"; break;
    case ValueKind::kFloat32:
    case ValueKind::kFloat64: {
      std::array<char, 32> digits;
      const auto done = std::to_chars(digits.data(), digits.data() + digits.size(), value->real);
      const std::string_view text(digits.data(),
                                  static_cast<std::size_t>(done.ptr - digits.data()));
      // JSON has no infinity and no NaN.
      if (std::isfinite(value->real)) {
        text_ += text;
      } else {
        put_text(text);
      }
      break;
    }
    case ValueKind::kText: put_text(value->text()); break;
    case ValueKind::kBlob: put_text(hexadecimal(value->text())); break;
    case ValueKind::kArray: {
      text_ += '[';
      for (const Value* element = value + 1; element != end;) {
        if (element != value + 1) text_ += ',';
        element = put_value(arguments, element);
      }
      text_ += ']';
      break;
    }
    case ValueKind::kStructure:
      text_ += '{';
      put_members(arguments, value, true);
      text_ += '}';
      break;
    case ValueKind::kOptional:
    case ValueKind::kVariant:
      if (value + 1 == end) {
        text_ += "null";
      } else {
        put_value(arguments, value + 1);
      }
      break;
  }
  return end;
}

Status ChromeWriter::finish() {
  text_ += "\n],\"otherData\":{\"begin_ns\":\"";
  append_number(begin_ns_.value_or(0), &text_);
  text_ += "\"}}\n";
  file_.append(text_);
  return file_.finish();
}

}  // namespace sillage::convert
