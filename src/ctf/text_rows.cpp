// SPDX-License-Identifier: MIT
// TextPrinter's fast way: rows that scanning found, printed from their bytes.
#include "ctf/byte_search.hpp"
#include "ctf/digits.hpp"
#include "ctf/escape.hpp"
#include "ctf/text_printer.hpp"

#include <algorithm>
#include <array>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sillage::ctf {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Bytes compared at a time.
constexpr std::ptrdiff_t kBlock = 16;
/// Text that may be written without asking for room: a block and an escaped character.
constexpr std::size_t kTextSlack = 64;
/// "[2026-11-21 08:30:00.123456789] (+18446744073.123456789) ", with room.
constexpr std::size_t kTimesBytes = 128;

constexpr auto kIsPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned i = 0; i < 256; ++i) {
    plain[i] = i >= 0x20 && i != 0x7f && i != '\\' && i != '\'' && i != '"' && i != '?';
  }
  return plain;
}();

#if defined(__SSE2__)
// A bit for each of 16 characters that does not stand for itself, NUL among them.
unsigned special_characters(__m128i bytes) {
  const auto is = [bytes](char character) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(character));
  };
  const __m128i controls = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
  const __m128i quotes = _mm_or_si128(is('\''), is('"'));
  const __m128i others = _mm_or_si128(_mm_or_si128(is('\\'), is('?')), is(0x7f));
  return static_cast<unsigned>(
      _mm_movemask_epi8(_mm_or_si128(controls, _mm_or_si128(quotes, others))));
}
#endif

template <class T>
T load_number(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

char* put_prefixed(char* out, std::uint64_t number) {
  out[0] = '0';
  out[1] = 'x';
  return put_hexadecimal(out + 2, number);
}

}  // namespace

TextPrinter::StreamText& TextPrinter::stream_text(const DataStream& stream) {
  if (last_stream_ != &stream.plan()) {
    last_stream_ = &stream.plan();
    last_texts_ = &texts_[last_stream_];
    last_texts_->resize(last_stream_->events.size());
  }
  return *last_texts_;
}

void TextPrinter::make_class_text(const DataStream& stream, std::uint32_t event,
                                  ClassText* text) const {
  text->is_made = true;
  text->head = PaddedText(make_head(stream, *stream.plan().events[event].event_class));
  if (options_.is_coloured) return;
  const auto equal = [](std::string_view name) { return std::string(name) + " = "; };
  TextNames names{.scope = [](std::string_view) { return std::string(); },
                  .member = equal,
                  .context_names = options_.context_names,
                  .payload_names = options_.payload_names};
  if (options_.scope_names) names.scope = equal;
  const Plan& plan = *stream.trace().plan;
  const ScopePlan& packet = stream.plan().packet_context;
  const bool has_packet_text = !packet.empty() && !plan.fields()[packet.root].is_hidden;
  text->program = compile_text(plan, stream.plan(), event, stream.scan().classes[event], names,
                               has_packet_text);
}

PaddedText TextPrinter::packet_text(const DataStream& stream) {
  const std::size_t start = size_;
  bool is_started = false;
  put_scope(*stream.trace().plan, "stream.packet.context", stream.packet_context(),
            options_.context_names, &is_started);
  std::string text(buffer_.data() + start, size_ - start);
  size_ = start;
  return PaddedText(std::move(text));
}

std::size_t TextPrinter::print(const DataStream& stream, const RowBatch& batch,
                               const PaddedText& packet_text, std::size_t enough_bytes) {
  StreamText& texts = stream_text(stream);
  std::size_t count = 0;
  for (const Row& row : batch.rows) {
    if (size_ >= enough_bytes) break;
    ++count;
    const ClassText& text = class_text(stream, &texts, row.event);
    if (row.is_fast() && !text.program.steps.empty()) {
      print_row(stream, batch, row, text, packet_text);
    } else {
      print_decoded(stream, batch, row, text, packet_text);
    }
  }
  return count;
}

void TextPrinter::print_decoded(const DataStream& stream, const RowBatch& batch, const Row& row,
                                const ClassText& text, const PaddedText& packet_text) {
  const auto& plan = stream.trace().plan;
  RowReader& reader = readers_.try_emplace(plan.get(), plan).first->second;
  const EventView& event = reader.read(batch.packet, row);
  if (stream.has_time()) put_times(stream.ns_of(row), row.clock);
  put(text.head.view());
  put(packet_text.view());
  put_event(*plan, event, packet_text.size() != 0);
}

char* TextPrinter::put_plain_times(char* out, std::int64_t ns, std::uint64_t cycles) {
  const std::int64_t second =
      second_.is_set && static_cast<std::uint64_t>(ns - second_.second * kSecond) < kSecond
          ? second_.second
          : ns / kSecond;
  const std::string& text = second_text(second);
  *out++ = '[';
  std::memcpy(out, text.data(), text.size());
  out = put_nine(out + text.size(), static_cast<std::uint32_t>(ns - second * kSecond));
  std::memcpy(out, "] (+", 4);
  if (!options_.delta) {
    out += 2;
  } else if (!last_time_.is_known) {
    std::memcpy(out + 4, "?.?????????", 11);
    std::memcpy(out + 15, ") ", 2);
    out += 17;
  } else {
    const std::uint64_t delta =
        static_cast<std::uint64_t>(ns) - static_cast<std::uint64_t>(last_time_.ns);
    const std::uint64_t seconds = delta < kSecond ? 0 : delta / kSecond;
    out = put_decimal(out + 4, seconds);
    *out = '.';
    out = put_nine(out + 1, static_cast<std::uint32_t>(delta - seconds * kSecond));
    std::memcpy(out, ") ", 2);
    out += 2;
  }
  last_time_ = {.is_known = true, .ns = ns, .cycles = cycles};
  return out;
}

// Appends text up to its NUL or `end`; where it ends. Up to `readable_end` bytes may be read.
template <bool kIsTerminated>
const std::uint8_t* TextPrinter::put_escaped(const std::uint8_t* from, const std::uint8_t* end,
                                             const std::uint8_t* readable_end, char** where) {
  char* out = *where;
  const char* room = buffer_.data() + buffer_.size() - kTextSlack;
  *out++ = '"';
  while (true) {
    if (out > room) {
      out = reserve_at(out, buffer_.size());
      room = buffer_.data() + buffer_.size() - kTextSlack;
    }
#if defined(__SSE2__)
    if (readable_end - from >= kBlock) [[likely]] {
      const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out), bytes);
      unsigned special = special_characters(bytes);
      if constexpr (!kIsTerminated) {
        if (end - from < kBlock) special |= 1u << (end - from);
      }
      if (special == 0) {
        from += kBlock;
        out += kBlock;
        continue;
      }
      const int plain = __builtin_ctz(special);
      from += plain;
      out += plain;
      if ((!kIsTerminated && from == end) || *from == 0) break;
      out = put_escape(out, *from++);
      continue;
    }
#endif
    if ((!kIsTerminated && from == end) || *from == 0) break;
    if (kIsPlain[*from]) {
      *out++ = static_cast<char>(*from++);
    } else {
      out = put_escape(out, *from++);
    }
  }
  *out++ = '"';
  *where = out;
  return from;
}

void TextPrinter::print_row(const DataStream& stream, const RowBatch& batch, const Row& row,
                            const ClassText& text, const PaddedText& packet_text) {
  const TextProgram& program = text.program;
  const std::size_t most =
      kTimesBytes + text.head.size() + packet_text.size() + program.most_bytes + kTextSlack;
  if (stream.has_time()) {
    const std::int64_t ns = stream.ns_of(row);
    if (!has_plain_times_ || ns < 0) {
      put_times(ns, row.clock);
    } else {
      reserve(most);
      char* const start = buffer_.data() + size_;
      size_ += static_cast<std::size_t>(put_plain_times(start, ns, row.clock) - start);
    }
  }
  reserve(most);
  char* out = buffer_.data() + size_;
  out = packet_text.copy_to(text.head.copy_to(out));
  const std::uint8_t* const packet = batch.packet_start();
  const std::uint8_t* const readable_end = packet + batch.packet.size();
  Anchors anchors;
  anchors[0] = row.body_in(packet);
  if (program.needs_anchors) {
    static_cast<void>(
        find_end(stream.scan().classes[row.event], packet, anchors[0], readable_end, &anchors));
  }
  const char* const literals = program.literals.data();
  for (const TextStep* step = program.steps.data();; ++step) {
    std::memcpy(out, literals + step->literal, TextProgram::kLiteralSlack);
    if (step->literal_bytes > TextProgram::kLiteralSlack) [[unlikely]] {
      std::memcpy(out, literals + step->literal, step->literal_bytes);
    }
    out += step->literal_bytes;
    if (step->code == TextCode::kEnd) break;
    const std::uint8_t* from = anchors[step->anchor] + step->offset;
    switch (step->code) {
      case TextCode::kUnsigned8: out = put_decimal(out, *from); break;
      case TextCode::kUnsigned16: out = put_decimal(out, load_number<std::uint16_t>(from)); break;
      case TextCode::kUnsigned32: out = put_decimal(out, load_number<std::uint32_t>(from)); break;
      case TextCode::kUnsigned64: out = put_decimal(out, load_number<std::uint64_t>(from)); break;
      case TextCode::kSigned8: out = put_signed_decimal(out, load_number<std::int8_t>(from)); break;
      case TextCode::kSigned16:
        out = put_signed_decimal(out, load_number<std::int16_t>(from));
        break;
      case TextCode::kSigned32:
        out = put_signed_decimal(out, load_number<std::int32_t>(from));
        break;
      case TextCode::kSigned64:
        out = put_signed_decimal(out, load_number<std::int64_t>(from));
        break;
      case TextCode::kHexadecimal8: out = put_prefixed(out, *from); break;
      case TextCode::kHexadecimal16:
        out = put_prefixed(out, load_number<std::uint16_t>(from));
        break;
      case TextCode::kHexadecimal32:
        out = put_prefixed(out, load_number<std::uint32_t>(from));
        break;
      case TextCode::kHexadecimal64:
        out = put_prefixed(out, load_number<std::uint64_t>(from));
        break;
      case TextCode::kTerminated: {
        const std::uint8_t* nul = put_escaped<true>(from, nullptr, readable_end, &out);
        anchors[step->behind] = nul + 1;
        out = reserve_at(out, program.most_bytes);
        break;
      }
      case TextCode::kFixed: {
        const std::uint8_t* end = from + step->size;
        if (step->behind != 0) {
          if (!program.needs_anchors) {
            const ClassScan& scan = stream.scan().classes[row.event];
            end = from + scan.keys[step->key].read(anchors.data());
            anchors[step->behind] = end;
          } else {
            end = anchors[step->behind];
          }
        }
        put_escaped<false>(from, end, readable_end, &out);
        out = reserve_at(out, program.most_bytes);
        break;
      }
      default: {
        const ClassScan& scan = stream.scan().classes[row.event];
        const Place& place = scan.places[step->place];
        if (step->behind != 0 && !program.needs_anchors) {
          anchors[step->behind] = from + scan.keys[step->key].read(anchors.data()) * step->size;
        }
        size_ = static_cast<std::size_t>(out - buffer_.data());
        put_place(*stream.trace().plan, place, anchors, step->shows_names);
        reserve(program.most_bytes);
        out = buffer_.data() + size_;
        break;
      }
    }
  }
  size_ = static_cast<std::size_t>(out - buffer_.data());
}

// Any field that is not a structure, option or array of such.
void TextPrinter::put_place(const Plan& plan, const Place& place, const Anchors& anchors,
                            bool shows_names) {
  const Op& op = plan.ops()[place.op];
  const std::uint8_t* from = anchors[place.anchor];
  Value value;
  value.field = op.field;
  value.kind = op.kind;
  const auto set = [&](const std::uint8_t* bytes, std::uint64_t bit) {
    const std::uint64_t bits = load_bits(op.load, bytes, bit, op.length_bits);
    if (op.kind == ValueKind::kFloat32 || op.kind == ValueKind::kFloat64) {
      value.real =
          real_of(op.is_reversed ? reverse_bits(bits, op.length_bits) : bits, op.length_bits);
    } else {
      value.number = integer_of(op, bits);
    }
  };
  if (op.code == OpCode::kScalar) {
    set(from, place.bit);
    put_value(plan, &value, true);
    return;
  }
  from += place.bit / kByte;
  const std::size_t unit = op.code == OpCode::kScalars ? op.stride / kByte : 1;
  const std::size_t count =
      place.behind == 0 ? op.length : static_cast<std::size_t>(anchors[place.behind] - from) / unit;
  if (op.code == OpCode::kBlob) {
    put_blob({reinterpret_cast<const char*>(from), count});
    return;
  }
  value.field = plan.fields()[op.field].children.front();
  put('[');
  for (std::size_t i = 0; i < count; ++i) {
    put(i == 0 ? " " : ", ");
    if (shows_names) {
      put('[');
      put_unsigned(i);
      put("] = ");
    }
    set(from, i * op.stride);
    put_value(plan, &value, true);
  }
  put(" ]");
}

}  // namespace sillage::ctf
