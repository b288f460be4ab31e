// SPDX-License-Identifier: MIT
#include "ctf/scanner.hpp"

#include "ctf/byte_search.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sillage::ctf {
namespace {

bool holds(const ScanOption& option, std::uint64_t value) {
  if (!option.is_signed) return value >= option.lower && value <= option.upper;
  const auto number = static_cast<std::int64_t>(value);
  return number >= static_cast<std::int64_t>(option.lower) &&
         number <= static_cast<std::int64_t>(option.upper);
}

// The rest of a body whose class has loops or choices, or aligned fields.
class BodyWalk {
 public:
  BodyWalk(const ClassScan& scan, const std::uint8_t* packet, const std::uint8_t* end,
           Anchors* anchors)
      : scan_(scan), packet_(packet), end_(end), anchors_(*anchors) {}

  [[gnu::noinline]] const std::uint8_t* run(const std::uint8_t* at) {
    const ScanStep* step = scan_.steps.data();
    while (true) {
      if (left(at) < step->fixed) return nullptr;
      at += step->fixed;
      switch (step->code) {
        case ScanCode::kEnd: return at;
        case ScanCode::kText: {
          const std::uint8_t* nul = find_nul(at, end_);
          if (nul == nullptr) return nullptr;
          at = nul + 1;
          break;
        }
        case ScanCode::kBytes: {
          const std::uint64_t count = key(*step);
          if (!take(count) || count * step->unit > left(at)) return nullptr;
          at += count * step->unit;
          break;
        }
        case ScanCode::kAlign: {
          const auto offset = static_cast<std::uint64_t>(at - packet_);
          const std::uint64_t padding = round_up(offset, step->unit) - offset;
          if (padding > left(at)) return nullptr;
          at += padding;
          break;
        }
        case ScanCode::kChoice:
          step = choose(*step, at);
          if (step == nullptr) return nullptr;
          continue;
        case ScanCode::kJoin:
          anchors_[step->anchor] = at;
          step = &scan_.steps[step->next];
          continue;
        case ScanCode::kLoop: {
          const std::uint64_t count = step->key == kNone ? step->count : key(*step);
          if (!take(count)) return nullptr;
          if (count == 0) {
            step = &scan_.steps[step->next - 1];
          } else {
            left_[loops_++] = count;
          }
          break;
        }
        case ScanCode::kLoopEnd:
          if (--left_[loops_ - 1] != 0) {
            step = &scan_.steps[step->next];
          } else {
            --loops_;
          }
          break;
      }
      anchors_[step->anchor] = at;
      ++step;
    }
  }

 private:
  [[nodiscard]] std::uint64_t left(const std::uint8_t* at) const {
    return static_cast<std::uint64_t>(end_ - at);
  }
  [[nodiscard]] std::uint64_t key(const ScanStep& step) const {
    return scan_.keys[step.key].read(anchors_.data());
  }
  // Counts elements, so that hostile lengths cost no time.
  bool take(std::uint64_t count) {
    if (count > elements_) return false;
    elements_ -= count;
    return true;
  }
  const ScanStep* choose(const ScanStep& choice, const std::uint8_t* at) {
    for (unsigned i = choice.first_anchor; i < choice.last_anchor; ++i) anchors_[i] = nullptr;
    const std::uint64_t selector = key(choice);
    for (std::uint32_t i = 0; i < choice.option_count; ++i) {
      const ScanOption& option = scan_.options[choice.options + i];
      if (!holds(option, selector)) continue;
      anchors_[option.anchor] = at;
      return &scan_.steps[option.step];
    }
    anchors_[choice.anchor] = at;
    // A variant must have an option.
    return choice.unit != 0 ? nullptr : &scan_.steps[choice.next];
  }

  const ClassScan& scan_;
  const std::uint8_t* packet_;
  const std::uint8_t* end_;
  Anchors& anchors_;
  std::uint64_t elements_ = ScanLimits::kElements;
  std::array<std::uint64_t, ScanLimits::kLoops> left_{};
  std::uint32_t loops_ = 0;
};

// The usual bodies: bytes of fixed number and strings.
[[gnu::always_inline]] inline const std::uint8_t* find_body_end(const ClassScan& scan,
                                                                const std::uint8_t* packet,
                                                                const std::uint8_t* body,
                                                                const std::uint8_t* end,
                                                                Anchors* anchors) {
  const ScanStep* step = scan.steps.data();
  const std::uint8_t* at = body;
  (*anchors)[0] = body;
  while (true) {
    if (static_cast<std::uint64_t>(end - at) < step->fixed) return nullptr;
    at += step->fixed;
    if (step->code == ScanCode::kEnd) return at;
    if (step->code == ScanCode::kText) {
      const std::uint8_t* nul = find_nul(at, end);
      if (nul == nullptr) return nullptr;
      at = nul + 1;
    } else if (step->code == ScanCode::kBytes) {
      const std::uint64_t count = scan.keys[step->key].read(anchors->data());
      if (count > ScanLimits::kElements / ScanLimits::kAnchors ||
          count * step->unit > static_cast<std::uint64_t>(end - at)) {
        break;
      }
      at += count * step->unit;
    } else {
      break;
    }
    (*anchors)[step->anchor] = at;
    ++step;
  }
  return BodyWalk(scan, packet, end, anchors).run(body);
}

}  // namespace

const std::uint8_t* find_end(const ClassScan& scan, const std::uint8_t* packet,
                             const std::uint8_t* body, const std::uint8_t* end, Anchors* anchors) {
  return find_body_end(scan, packet, body, end, anchors);
}

const EventView& RowReader::read(std::span<const std::byte> packet, const Row& row) {
  if (packet.data() != packet_) {
    packet_ = decoder_.start_packet(packet) ? packet.data() : nullptr;
  }
  if (packet_ != nullptr && decoder_.event_at(row.bit, row.clock) == Decoder::Step::kEvent) {
    return decoder_.event();
  }
  // Scanned, but beyond the decoder's limits (hostile arrays of nothing), or changed meanwhile: then
  // even the head may be another's.
  const StreamPlan* stream = decoder_.head().stream;
  if (stream == nullptr || row.event >= stream->events.size()) {
    stream = &*std::ranges::find_if(decoder_.plan().streams(), [&row](const StreamPlan& each) {
      return row.event < each.events.size();
    });
  }
  nothing_ = {.stream = stream, .event = &stream->events[row.event], .clock = row.clock};
  return nothing_;
}

Scanner::Scanner(const StreamScan& scan, const StreamPlan& stream, Decoder* decoder)
    : scan_(&scan), stream_(&stream), decoder_(decoder), wanted_(stream.events.size(), 1) {
  quick_.reserve(stream.by_small_id.size());
  for (const std::uint32_t event : stream.by_small_id) quick_.push_back(make_quick(event));
  only_ = make_quick(stream.events.size() == 1 ? 0 : find_event(0));
}

Scanner::Quick Scanner::make_quick(std::uint32_t event) const {
  if (event == kNone || !scan_->classes[event].is_fast) return {};
  const ScanStep& first = scan_->classes[event].steps.front();
  return {.event = event, .fixed = first.fixed, .code = first.code};
}

std::uint32_t Scanner::find_event(std::uint64_t id) const {
  const EventPlan* event = stream_->find(id);
  return event == nullptr ? kNone : static_cast<std::uint32_t>(event - stream_->events.data());
}

void Scanner::start(const std::uint8_t* packet) {
  packet_ = packet;
  limit_ = decoder_->head().content_bits;
  bit_ = decoder_->position();
  clock_ = decoder_->clock();
  last_ = Step::kMore;
}

namespace {

/// What a header says.
struct Head {
  std::uint64_t id = 0;
  std::uint32_t bytes = 0;  ///< 0: the decoder must look at it
  bool has_id = false;
};

std::uint64_t value_of(const HeaderField& field, const std::uint8_t* header) {
  return integer_of(*field.op, load_bits(field.op->load, header, field.bit, field.op->length_bits));
}

Head read_form(const HeaderScan& scan, const std::uint8_t* at, std::uint64_t left,
               std::uint64_t* clock) {
  if (left < scan.least_bytes) return {};
  const HeaderForm* form = scan.forms.data();
  if (scan.selector.op != nullptr) {
    const std::uint64_t selector = value_of(scan.selector, at);
    const HeaderForm* const end = form + scan.forms.size();
    while (form != end && (selector < form->lower || selector > form->upper)) ++form;
    if (form == end) return {};
  }
  if (left < form->bytes || form->bytes == 0) return {};
  Head head{.bytes = form->bytes};
  if (form->id.op != nullptr) {
    head.has_id = true;
    head.id = value_of(form->id, at);
  }
  if (form->time.op != nullptr) {
    *clock = extend_clock(*clock, value_of(form->time, at), form->time.op->length_bits);
  }
  return head;
}

template <HeaderScan::Kind kKind>
inline Head read_header(const HeaderScan& scan, const std::uint8_t* at, std::uint64_t left,
                        std::uint64_t* clock) {
  if constexpr (kKind == HeaderScan::Kind::kLarge) {
    if (left < 6) return {};
    const std::uint64_t id = load_bits(Load::kLittle16, at, 0, 16);
    if (id != 65535) [[likely]] {
      *clock = extend_clock(*clock, load_bits(Load::kLittle32, at, 16, 32), 32);
      return {.id = id, .bytes = 6, .has_id = true};
    }
    if (left < 14) return {};
    *clock = load_bits(Load::kLittle64, at, 48, 64);
    return {.id = load_bits(Load::kLittle32, at, 16, 32), .bytes = 14, .has_id = true};
  } else if constexpr (kKind == HeaderScan::Kind::kCompact) {
    if (left < 4) return {};
    const std::uint64_t bits = load_bits(Load::kLittle32, at, 0, 32);
    const std::uint64_t id = bits & 31;
    if (id != 31) [[likely]] {
      *clock = extend_clock(*clock, bits >> 5, 27);
      return {.id = id, .bytes = 4, .has_id = true};
    }
    if (left < 13) return {};
    *clock = load_bits(Load::kLittle64, at, 40, 64);
    return {.id = load_bits(Load::kLittle32, at, 8, 32), .bytes = 13, .has_id = true};
  } else {
    return read_form(scan, at, left, clock);
  }
}

}  // namespace

template <HeaderScan::Kind kKind, bool kCounts>
Scanner::Step Scanner::run(std::span<Row> rows, std::size_t* count, std::uint64_t* counts) {
  const HeaderScan& header = scan_->header;
  const ClassScan* const classes = scan_->classes.data();
  const std::uint8_t* const wanted = wanted_.data();
  const Quick* const quick_of = quick_.data();
  const std::uint64_t small_ids = quick_.size();
  const std::uint8_t* const packet = packet_;
  const std::uint8_t* const end = packet + limit_ / kByte;
  Row* row = rows.data();
  Row* const last_row = row + rows.size();
  Anchors anchors;
  // In registers: rows may be anything's alias.
  std::uint64_t clock = clock_, bit = bit_;
  Step step = Step::kMore;
  while (kCounts || row != last_row) {
    std::uint64_t next_clock = clock;
    const std::uint8_t* at = packet + (bit + kByte - 1) / kByte;
    if (kKind != HeaderScan::Kind::kDecoded && at < end) [[likely]] {
      const std::uint8_t* body = nullptr;
      if constexpr (kKind == HeaderScan::Kind::kForms) {
        at = packet + round_up((bit + kByte - 1) / kByte, header.alignment_bytes);
      }
      const Head head =
          at < end
              ? read_header<kKind>(header, at, static_cast<std::uint64_t>(end - at), &next_clock)
              : Head();
      if (head.bytes != 0) [[likely]] {
        const Quick quick = !head.has_id          ? only_
                            : head.id < small_ids ? quick_of[head.id]
                                                  : make_quick(find_event(head.id));
        if (quick.event != kNone) [[likely]] {
          const std::uint32_t event = quick.event;
          body = at + head.bytes;
          const std::uint8_t* behind = nullptr;
          if (quick.code == ScanCode::kEnd) {
            if (quick.fixed <= static_cast<std::uint64_t>(end - body)) behind = body + quick.fixed;
          } else {
            behind = find_body_end(classes[event], packet, body, end, &anchors);
          }
          if (behind != nullptr) [[likely]] {
            if constexpr (kCounts) {
              counts[event] += wanted[event];
            } else {
              *row = {.clock = next_clock,
                      .bit = bit,
                      .event = event,
                      .body = static_cast<std::uint32_t>(body - (packet + bit / kByte))};
              row += wanted[event];
            }
            clock = next_clock;
            bit = static_cast<std::uint64_t>(behind - packet) * kByte;
            continue;
          }
        }
      }
    }
    // The end, damage, or something that only the decoder can read.
    const Decoder::Step decoded = decoder_->event_at(bit, clock);
    if (decoded != Decoder::Step::kEvent) {
      step = decoded == Decoder::Step::kEnd ? Step::kEnd : Step::kFault;
      break;
    }
    const EventView& view = decoder_->event();
    const auto event = static_cast<std::uint32_t>(view.event - stream_->events.data());
    if constexpr (kCounts) {
      counts[event] += wanted[event];
    } else {
      *row = {.clock = decoder_->clock(), .bit = bit, .event = event, .body = kNone};
      row += wanted[event];
    }
    clock = decoder_->clock();
    bit = decoder_->position();
  }
  // A damaged record's header is the last that is known of the time.
  clock_ = step == Step::kFault ? decoder_->clock() : clock;
  bit_ = bit;
  decoder_->set_clock(clock_);
  if (count != nullptr) *count = static_cast<std::size_t>(row - rows.data());
  return step;
}

template <bool kCounts>
Scanner::Step Scanner::dispatch(std::span<Row> rows, std::size_t* count, std::uint64_t* counts) {
  using Kind = HeaderScan::Kind;
  switch (scan_->header.kind) {
    case Kind::kLarge: return run<Kind::kLarge, kCounts>(rows, count, counts);
    case Kind::kCompact: return run<Kind::kCompact, kCounts>(rows, count, counts);
    case Kind::kForms: return run<Kind::kForms, kCounts>(rows, count, counts);
    case Kind::kDecoded: break;
  }
  return run<Kind::kDecoded, kCounts>(rows, count, counts);
}

Scanner::Step Scanner::next(std::span<Row> rows, std::size_t* count) {
  *count = 0;
  if (last_ == Step::kMore) last_ = dispatch<false>(rows, count, nullptr);
  return last_;
}

Scanner::Step Scanner::count(std::span<std::uint64_t> counts) {
  if (last_ == Step::kMore) last_ = dispatch<true>({}, nullptr, counts.data());
  return last_;
}

}  // namespace sillage::ctf
