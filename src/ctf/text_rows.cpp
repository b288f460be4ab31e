// SPDX-License-Identifier: MIT
// TextPrinter's fast way: rows that scanning found, printed from their bytes.
#include "ctf/byte_search.hpp"
#include "ctf/digits.hpp"
#include "ctf/escape.hpp"
#include "ctf/real_digits.hpp"
#include "ctf/text_printer.hpp"

#include <algorithm>
#include <array>
#include <cmath>

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
/// Elements of arrays for which room is made at a time, and the room for each: ", [65535] = " and a
/// number.
constexpr std::size_t kElements = 64;
constexpr std::size_t kElementBytes = 16 + kDigitSlack;

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

/// What stands in front of an element: " [0] = " or ", [12] = ".
struct IndexText {
  char text[15];
  std::uint8_t size;
};
constexpr auto kIndexTexts = [] {
  std::array<IndexText, 256> all{};
  for (unsigned i = 0; i < all.size(); ++i) {
    IndexText& index = all[i];
    const auto put = [&index](char character) { index.text[index.size++] = character; };
    if (i != 0) put(',');
    put(' ');
    put('[');
    for (unsigned ten = 100; ten != 0; ten /= 10) {
      if (i >= ten || ten == 1) put(static_cast<char>('0' + i / ten % 10));
    }
    for (const char character : {']', ' ', '=', ' '}) put(character);
  }
  return all;
}();

char* put_prefixed(char* out, std::uint64_t number) {
  out[0] = '0';
  out[1] = 'x';
  return put_hexadecimal(out + 2, number);
}

char* put_real_or_nan(char* out, double number) {
  if (!std::isnan(number)) return put_real(out, number);
  const bool is_negative = std::signbit(number);
  std::memcpy(out, is_negative ? "-nan" : "nan", 4);
  return out + (is_negative ? 4 : 3);
}

// The number at `from`; `code` is none of text.
[[gnu::always_inline]] inline char* put_number(char* out, TextCode code, const std::uint8_t* from) {
  switch (code) {
    case TextCode::kUnsigned8: return put_byte(out, *from);
    case TextCode::kUnsigned16: return put_decimal(out, load_number<std::uint16_t>(from));
    case TextCode::kUnsigned32: return put_decimal(out, load_number<std::uint32_t>(from));
    case TextCode::kUnsigned64: return put_decimal(out, load_number<std::uint64_t>(from));
    case TextCode::kSigned8: return put_signed_decimal(out, load_number<std::int8_t>(from));
    case TextCode::kSigned16: return put_signed_decimal(out, load_number<std::int16_t>(from));
    case TextCode::kSigned32: return put_signed_decimal(out, load_number<std::int32_t>(from));
    case TextCode::kSigned64: return put_signed_decimal(out, load_number<std::int64_t>(from));
    case TextCode::kHexadecimal8: return put_prefixed(out, *from);
    case TextCode::kHexadecimal16: return put_prefixed(out, load_number<std::uint16_t>(from));
    case TextCode::kHexadecimal32: return put_prefixed(out, load_number<std::uint32_t>(from));
    case TextCode::kHexadecimal64: return put_prefixed(out, load_number<std::uint64_t>(from));
    case TextCode::kReal32: return put_real_or_nan(out, load_number<float>(from));
    case TextCode::kReal64: return put_real_or_nan(out, load_number<double>(from));
    default: return out;
  }
}

// Elements [first, last) of an array, numbers of one kind; room was made.
template <TextCode kCode>
char* put_elements(char* out, const std::uint8_t* from, std::size_t first, std::size_t last,
                   std::size_t unit, bool shows_names) {
  for (std::size_t i = first; i < last; ++i) {
    if (!shows_names) {
      std::memcpy(out, i == 0 ? "  " : ", ", 2);
      out += i == 0 ? 1 : 2;
    } else if (i < kIndexTexts.size()) {
      std::memcpy(out, &kIndexTexts[i], sizeof(IndexText));
      out += kIndexTexts[i].size;
    } else {
      std::memcpy(out, ", [", 3);
      out = put_decimal(out + 3, i);
      std::memcpy(out, "] = ", 4);
      out += 4;
    }
    out = put_number(out, kCode, from + i * unit);
  }
  return out;
}

using PutElements = decltype(&put_elements<TextCode::kUnsigned8>);
constexpr auto kPutElements = []<std::size_t... kCodes>(std::index_sequence<kCodes...>) {
  return std::array<PutElements, sizeof...(kCodes)>{
      &put_elements<static_cast<TextCode>(kCodes)>...};
}
(std::make_index_sequence<static_cast<std::size_t>(TextCode::kTerminated)>());

}  // namespace

TextPrinter::StreamText& TextPrinter::stream_text(const DataStream& stream) {
  if (last_stream_ != &stream.plan()) {
    last_stream_ = &stream.plan();
    last_texts_ = &texts_[last_stream_];
    last_texts_->classes.resize(last_stream_->events.size());
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
      print_row(stream, batch, row, text, packet_text, &texts.contexts);
    } else {
      print_decoded(stream, batch, row, text, packet_text);
    }
  }
  return count;
}

void TextPrinter::print_decoded(const DataStream& stream, const RowBatch& batch, const Row& row,
                                const ClassText& text, const PaddedText& packet_text) {
  if (stream.has_time()) put_times(stream.ns_of(row), row.clock);
  print_decoded_fields(stream, batch, row, text, packet_text);
}

void TextPrinter::print_decoded_fields(const DataStream& stream, const RowBatch& batch,
                                       const Row& row, const ClassText& text,
                                       const PaddedText& packet_text) {
  const auto& plan = stream.trace().plan;
  RowReader& reader = readers_.try_emplace(plan.get(), plan).first->second;
  const EventView& event = reader.read(batch.packet, row);
  put(text.head.view());
  put(packet_text.view());
  put_event(*plan, event, packet_text.size() != 0);
}

char* TextPrinter::put_plain_times(char* out, std::int64_t ns, std::uint64_t cycles) {
  const std::int64_t second =
      second_.is_set && static_cast<std::uint64_t>(ns - second_.second * kSecond) < kSecond
          ? second_.second
          : ns / kSecond;
  *out++ = '[';
  out = second_text(second).copy_to(out);
  const auto part = static_cast<std::uint32_t>(ns - second * kSecond);
  const std::uint64_t delta =
      static_cast<std::uint64_t>(ns) - static_cast<std::uint64_t>(last_time_.ns);
  if (options_.delta && last_time_.is_known && delta < kSecond) [[likely]] {
    std::memcpy(out + 9, "] (+0.", 6);
    put_two_nines(out, part, out + 15, static_cast<std::uint32_t>(delta));
    out += 24;
  } else {
    out = put_nine(out, part);
    if (options_.delta) {
      std::memcpy(out, "] (+?.?????????", 15);
      if (!last_time_.is_known) {
        out += 15;
      } else {
        out = put_decimal(out + 4, delta / kSecond);
        *out = '.';
        out = put_nine(out + 1, static_cast<std::uint32_t>(delta % kSecond));
      }
    }
  }
  std::memcpy(out, options_.delta ? ") " : "] ", 2);
  out += 2;
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
    // Scanning found the NUL, but a file can be rewritten since.
    if (from >= readable_end || (!kIsTerminated && from == end) || *from == 0) break;
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

char* TextPrinter::put_array(char* out, const TextStep& step, const std::uint8_t* from,
                             std::size_t count) {
  *out++ = '[';
  const PutElements put_all = kPutElements[static_cast<std::size_t>(step.element)];
  for (std::size_t first = 0; first < count; first += kElements) {
    out = reserve_at(out, kElements * kElementBytes + kTextSlack);
    out =
        put_all(out, from, first, std::min(first + kElements, count), step.size, step.shows_names);
  }
  std::memcpy(out, " ]", 2);
  return out + 2;
}

void TextPrinter::print_row(const DataStream& stream, const RowBatch& batch, const Row& row,
                            const ClassText& text, const PaddedText& packet_text,
                            ContextTexts* contexts) {
  const TextProgram& program = text.program;
  if (stream.has_time() && (!has_plain_times_ || stream.ns_of(row) < 0)) {
    put_times(stream.ns_of(row), row.clock);
  }
  reserve(kTimesBytes + text.head.size() + packet_text.size() + sizeof(ContextTexts::Entry) +
          program.most_bytes + kTextSlack);
  char* out = buffer_.data() + size_;
  if (stream.has_time() && has_plain_times_ && stream.ns_of(row) >= 0) {
    out = put_plain_times(out, stream.ns_of(row), row.clock);
  }
  const auto behind_times = static_cast<std::size_t>(out - buffer_.data());
  out = packet_text.copy_to(text.head.copy_to(out));
  const std::uint8_t* const packet = batch.packet_start();
  const std::uint8_t* const readable_end = packet + batch.packet.size();
  Anchors anchors;
  anchors[0] = row.body_in(packet);
  // A file can be rewritten since it was scanned: lengths that are read again may be others.
  const auto print_again = [&] {
    size_ = behind_times;
    print_decoded_fields(stream, batch, row, text, packet_text);
  };
  if (program.needs_anchors && find_end(stream.scan().classes[row.event], packet, anchors[0],
                                        readable_end, &anchors) == nullptr) [[unlikely]] {
    return print_again();
  }
  // Sets the anchor behind a part of variable length, if what follows is in the packet.
  const auto pass = [&](const TextStep& passed, const std::uint8_t* begin, std::uint64_t count) {
    const auto left = static_cast<std::uint64_t>(readable_end - begin);
    if (count > left / passed.size || left - count * passed.size < passed.rest) [[unlikely]] {
      return false;
    }
    anchors[passed.behind] = begin + count * passed.size;
    return true;
  };
  const auto key_of = [&](const TextStep& counted) {
    return stream.scan().classes[row.event].keys[counted.key].read(anchors.data());
  };
  const char* const literals = program.literals.data();
  const TextStep* step = program.steps.data();
  ContextTexts::Entry* context = nullptr;
  std::size_t context_start = 0;
  if (program.context_bytes != 0) {
    context = &contexts->entry(anchors[0], program.context_bytes);
    if (context->is_of(anchors[0], program.context_bytes)) [[likely]] {
      out = context->copy_to(out);
      step += program.context_steps;
    } else {
      context_start = static_cast<std::size_t>(out - buffer_.data());
    }
  }
  for (;; ++step) {
    std::memcpy(out, literals + step->literal, TextProgram::kLiteralSlack);
    if (step->literal_bytes > TextProgram::kLiteralSlack) [[unlikely]] {
      std::memcpy(out, literals + step->literal, step->literal_bytes);
    }
    out += step->literal_bytes;
    if (step->code == TextCode::kEnd) break;
    const std::uint8_t* from = anchors[step->anchor] + step->offset;
    switch (step->code) {
      case TextCode::kTerminated: {
        const std::uint8_t* nul = put_escaped<true>(from, nullptr, readable_end, &out);
        if (!program.needs_anchors) {
          if (readable_end - nul <= static_cast<std::ptrdiff_t>(step->rest)) [[unlikely]] {
            return print_again();
          }
          anchors[step->behind] = nul + 1;
        }
        out = reserve_at(out, program.most_bytes);
        break;
      }
      case TextCode::kFixed: {
        const std::uint8_t* end = from + step->size;
        if (step->behind != 0) {
          if (!program.needs_anchors && !pass(*step, from, key_of(*step))) [[unlikely]] {
            return print_again();
          }
          end = anchors[step->behind];
        }
        put_escaped<false>(from, end, readable_end, &out);
        out = reserve_at(out, program.most_bytes);
        break;
      }
      case TextCode::kElements: {
        std::size_t count = step->count;
        if (step->behind != 0) {
          if (!program.needs_anchors && !pass(*step, from, key_of(*step))) [[unlikely]] {
            return print_again();
          }
          count = static_cast<std::size_t>(anchors[step->behind] - from) / step->size;
        }
        out = put_array(out, *step, from, count);
        out = reserve_at(out, program.most_bytes);
        break;
      }
      case TextCode::kContextEnd: {
        const char* start = buffer_.data() + context_start;
        context->set(anchors[0], program.context_bytes, start,
                     static_cast<std::size_t>(out - start));
        break;
      }
      case TextCode::kOther: {
        const ClassScan& scan = stream.scan().classes[row.event];
        const Place& place = scan.places[step->place];
        if (step->behind != 0 && !program.needs_anchors && !pass(*step, from, key_of(*step)))
            [[unlikely]] {
          return print_again();
        }
        size_ = static_cast<std::size_t>(out - buffer_.data());
        put_place(*stream.trace().plan, place, anchors, step->shows_names);
        reserve(program.most_bytes);
        out = buffer_.data() + size_;
        break;
      }
      default: out = put_number(out, step->code, from); break;
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
