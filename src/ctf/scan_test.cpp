// SPDX-License-Identifier: MIT
// Scanning, text from rows and columns against the bit-exact decoder, on random classes and bytes.
#include "ctf/columns.hpp"
#include "ctf/data_stream.hpp"
#include "ctf/text_printer.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <string>

namespace sillage::ctf {
namespace {

constexpr unsigned kSeeds = 300;
constexpr unsigned kClasses = 6;

/// Makes classes and bytes that often, but not always, fit.
class RandomTrace {
 public:
  explicit RandomTrace(unsigned seed) : random_(seed) {
    auto model = std::make_shared<TraceModel>();
    model->trace.clocks.push_back({});
    model->streams.push_back({.default_clock_id = "monotonic", .event_header = header()});
    if (below(2) == 0) model->streams[0].common_context = structure(2, 0);
    for (unsigned id = 0; id < kClasses; ++id) {
      model->events.push_back({.id = id, .name = "event" + std::to_string(id)});
      if (below(3) == 0) model->events.back().specific_context = structure(2, 1);
      model->events.back().payload = structure(below(6), 2);
    }
    model_ = std::move(model);
    // Small numbers, so that lengths are short and NULs frequent.
    for (unsigned i = 0; i < 3000; ++i) {
      const unsigned kind = below(60);
      bytes_ += static_cast<char>(kind == 0 ? below(256) : kind < 15 ? below(kClasses) : 0);
    }
  }

  [[nodiscard]] std::shared_ptr<const TraceModel> model() const { return model_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  unsigned below(unsigned bound) { return static_cast<unsigned>(random_()) % bound; }
  std::string name() { return "f" + std::to_string(names_++); }

  BitLayout layout(unsigned bits, bool is_packed) {
    BitLayout layout{.length_bits = bits, .alignment_bits = is_packed ? 1u : 8u};
    if (below(12) == 0) layout.alignment_bits = 8u << below(4);
    if (below(4) == 0) layout.byte_order = ByteOrder::kBig;
    return layout;
  }

  FieldClassRef number() {
    static constexpr std::array<unsigned, 4> kSizes = {8, 16, 32, 64};
    const bool is_packed = below(25) == 0;
    const unsigned bits = below(8) == 0 ? 1 + below(64) : kSizes[below(4)];
    switch (below(8)) {
      case 0: return make_field_class(Boolean{.layout = layout(bits, is_packed)});
      case 1: return make_field_class(Float{.layout = layout(below(2) == 0 ? 32 : 64, false)});
      case 2: return make_field_class(BitArray{.layout = layout(bits, is_packed)});
      default: break;
    }
    Integer integer{.layout = layout(bits, is_packed), .is_signed = below(2) == 0};
    static constexpr std::array<Base, 6> kBases = {Base::kDecimal, Base::kDecimal,
                                                   Base::kDecimal, Base::kHexadecimal,
                                                   Base::kOctal,   Base::kBinary};
    integer.base = kBases[below(6)];
    if (below(6) == 0) integer.mappings.push_back({.name = "few", .ranges = {{0, 2}}});
    return make_field_class(integer);
  }

  // A length or selector in front of what it belongs to.
  FieldLocation key(std::vector<Member>* members) {
    const std::string called = name();
    members->push_back({called, make_field_class(Integer{.layout = layout(8, false)})});
    return {.path = {called}};
  }

  FieldClassRef structure(unsigned count, unsigned depth) {
    Structure made;
    for (unsigned i = 0; i < count; ++i) add_member(&made.members, depth);
    return make_field_class(made);
  }

  void add_member(std::vector<Member>* members, unsigned depth) {
    const auto add = [&](auto kind) { members->push_back({name(), make_field_class(kind)}); };
    switch (below(depth == 0 ? 11 : 16)) {
      case 0: return add(NullTerminatedString{});
      case 1: return add(StaticString{.length_bytes = below(20)});
      case 2: return add(DynamicString{.length_bytes = key(members)});
      case 3: return add(DynamicBlob{.length_bytes = key(members)});
      case 4: {
        // Sometimes longer than what text has tables and room for at once.
        const unsigned length = below(6) == 0 ? 100 * below(4) : below(4);
        return add(StaticArray{.length = length, .element = number()});
      }
      case 5: return add(DynamicArray{.length = key(members), .element = number()});
      case 6:
        if (below(5) == 0) return add(VariableInteger{.is_signed = below(2) == 0});
        return add(StaticBlob{.length_bytes = below(5)});
      case 11: return add(DynamicArray{.length = key(members), .element = structure(2, depth - 1)});
      case 12: return add(StaticArray{.length = below(3), .element = structure(2, depth - 1)});
      case 13:
        return add(Optional{.selector = key(members),
                            .ranges = {{1, 3}},
                            .field_class = structure(1 + below(2), depth - 1)});
      case 14: {
        Variant variant{.selector = key(members)};
        variant.options.push_back({"low", {{0, 1}}, structure(2, depth - 1)});
        variant.options.push_back({"high", {{2, 255}}, number()});
        return add(variant);
      }
      case 15: members->push_back({name(), structure(below(3), depth - 1)}); return;
      default: members->push_back({name(), number()});
    }
  }

  FieldClassRef field(unsigned bits, unsigned alignment, Roles roles) {
    return make_field_class(
        Integer{.layout = {.length_bits = bits, .alignment_bits = alignment}, .roles = roles});
  }

  FieldClassRef header() {
    const Roles id = Role::kEventRecordClassId, time = Role::kDefaultClockTimestamp;
    switch (below(4)) {
      case 0: {  // LTTng's compact one
        Variant v{.selector = {.path = {"id"}}};
        v.options.push_back({"compact", {{0, 30}}, one("timestamp", field(27, 1, time))});
        Structure extended{
            .members = {{"id", field(32, 8, id)}, {"timestamp", field(64, 8, time)}}};
        v.options.push_back({"extended", {{31, 31}}, make_field_class(extended)});
        return make_field_class(
            Structure{.members = {{"id", field(5, 1, id)}, {"v", make_field_class(v)}},
                      .minimum_alignment_bits = 8});
      }
      case 1: {  // and its large one
        Variant v{.selector = {.path = {"id"}}};
        v.options.push_back({"compact", {{0, 65534}}, one("timestamp", field(32, 8, time))});
        Structure extended{
            .members = {{"id", field(32, 8, id)}, {"timestamp", field(64, 8, time)}}};
        v.options.push_back({"extended", {{65535, 65535}}, make_field_class(extended)});
        return make_field_class(
            Structure{.members = {{"id", field(16, 8, id)}, {"v", make_field_class(v)}}});
      }
      case 2:
        return make_field_class(
            Structure{.members = {{"timestamp", field(8, 8, time)}, {"id", field(8, 8, id)}}});
      default: return one("id", field(8, 8u << below(3), id));
    }
  }
  FieldClassRef one(const std::string& called, FieldClassRef content) {
    return make_field_class(Structure{.members = {{called, std::move(content)}}});
  }

  std::mt19937 random_;
  unsigned names_ = 0;
  std::shared_ptr<const TraceModel> model_;
  std::string bytes_;
};

/// A trace of one file that is one packet.
class OnDisk {
 public:
  explicit OnDisk(const RandomTrace& random) {
    auto plan = Plan::compile(random.model());
    if (!plan) return;  // a packed field and its order, say
    trace_.plan = *plan;
    trace_.scans.push_back(compile_scan(*trace_.plan, trace_.plan->streams()[0]));
    path_ = testing::TempDir() + "/scan_test." + std::to_string(getpid());
    std::ofstream(path_, std::ios::binary) << random.bytes();
    auto file = StreamFile::open(path_);
    std::remove(path_.c_str());
    if (!file) return;
    PacketList list = list_packets(trace_.plan, **file, [](const Error&) {});
    if (list.stream == nullptr) return;
    source_ = std::make_shared<const DataStream::Source>(
        DataStream::Source{.trace = &trace_, .files = {*file}, .packets = list.packets});
  }

  [[nodiscard]] bool is_good() const { return source_ != nullptr; }
  [[nodiscard]] const Trace& trace() const { return trace_; }
  [[nodiscard]] std::unique_ptr<DataStream> stream() {
    return std::make_unique<DataStream>(
        source_, &trace_.plan->streams()[0],
        [this](const Error& error) { damages_ += error.text() + "\n"; }, [](const Discarded&) {});
  }
  [[nodiscard]] std::string take_damages() { return std::exchange(damages_, {}); }

 private:
  Trace trace_;
  std::string path_, damages_;
  std::shared_ptr<const DataStream::Source> source_;
};

/// What the decoder alone reads.
struct Oracle {
  std::vector<std::uint32_t> events;
  std::vector<std::uint64_t> clocks;
  std::string damages;

  Oracle(const Trace& trace, const std::string& bytes, const std::string& path) {
    Decoder decoder(trace.plan);
    if (!decoder.start_packet(std::as_bytes(std::span(bytes)))) return;
    Decoder::Step step = decoder.next_event();
    for (; step == Decoder::Step::kEvent; step = decoder.next_event()) {
      events.push_back(static_cast<std::uint32_t>(decoder.event().event -
                                                  decoder.event().stream->events.data()));
      clocks.push_back(decoder.event().clock);
    }
    if (step == Decoder::Step::kFault) damages = decoder.error(path, 0).text() + "\n";
  }
};

TEST(Scan, RandomClasses_FindsWhatTheDecoderReads) {
  std::uint64_t fast = 0, all = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const RandomTrace random(seed);
    OnDisk disk(random);
    if (!disk.is_good()) continue;
    const auto stream = disk.stream();
    const Oracle oracle(disk.trace(), random.bytes(), stream->name());
    std::size_t i = 0;
    for (; stream->next(); ++i) {
      ASSERT_LT(i, oracle.events.size());
      ASSERT_EQ(stream->row().event, oracle.events[i]);
      ASSERT_EQ(stream->row().clock, oracle.clocks[i]);
      ++all;
      if (stream->row().is_fast()) ++fast;
    }
    ASSERT_EQ(i, oracle.events.size());
    ASSERT_EQ(disk.take_damages(), oracle.damages);
    std::vector<std::uint64_t> counts(kClasses);
    disk.stream()->count(counts);
    for (std::uint32_t event = 0; event < kClasses; ++event) {
      ASSERT_EQ(counts[event], static_cast<std::uint64_t>(
                                   std::count(oracle.events.begin(), oracle.events.end(), event)));
    }
  }
  // The test is of the fast way.
  EXPECT_GT(fast, 5000u);
  EXPECT_GT(all - fast, 100u);
}

TEST(Scan, RandomClasses_TextIsThatOfDecodedEvents) {
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const RandomTrace random(seed);
    OnDisk disk(random);
    if (!disk.is_good()) continue;
    TextOptions options;
    options.clock_gmt = true;
    options.scope_names = seed % 5 == 0;
    options.payload_names = seed % 7 != 0;
    options.context_names = seed % 3 != 0;
    TextPrinter decoded(options), scanned(options);
    const auto one = disk.stream(), other = disk.stream();
    while (one->next()) decoded.print(*one);
    while (other->next()) {
      const RowBatch batch = other->batch();
      const auto packet = scanned.packet_text(*other);
      ASSERT_EQ(scanned.print(*other, batch, packet, std::numeric_limits<std::size_t>::max()),
                batch.rows.size());
      other->skip(batch.rows.size());
    }
    ASSERT_EQ(scanned.text(), decoded.text());
  }
}

// What a cell says, in the words of a Value.
std::string cell_text(const ColumnPlan& plan, const ColumnCells& cells, std::size_t row) {
  if (cells.present != nullptr && cells.present[row] == 0) return "absent";
  const std::byte* at = cells.data + static_cast<std::ptrdiff_t>(row) * cells.stride;
  if (plan.cell >= Cell::kText) {
    CellBytes bytes;
    std::memcpy(&bytes, at, sizeof bytes);
    return {bytes.data, bytes.size};
  }
  return {reinterpret_cast<const char*>(at), cell_bytes(plan.cell)};
}

std::string value_text(Cell cell, const Value& value) {
  if (cell == Cell::kNumbers) return "";
  if (cell >= Cell::kText) return std::string(value.text());
  std::uint64_t bits = value.number;
  if (cell == Cell::kFloat64) bits = std::bit_cast<std::uint64_t>(value.real);
  if (cell == Cell::kFloat32) bits = std::bit_cast<std::uint32_t>(static_cast<float>(value.real));
  return {reinterpret_cast<const char*>(&bits), cell_bytes(cell)};
}

TEST(Scan, RandomClasses_ColumnsHoldTheDecodedValues) {
  std::uint64_t cells_seen = 0;
  for (unsigned seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(seed);
    const RandomTrace random(seed);
    OnDisk disk(random);
    if (!disk.is_good()) continue;
    const auto one = disk.stream(), other = disk.stream();
    // By class: the cells of each event, one column after the other.
    std::map<std::uint32_t, std::vector<std::string>> expected, found;
    std::vector<std::vector<ColumnPlan>> plans;
    for (std::uint32_t event = 0; event < kClasses; ++event) {
      plans.push_back(
          plan_columns(*disk.trace().plan, one->plan(), event, one->scan().classes[event]));
    }
    while (one->next()) {
      std::map<std::uint32_t, const Value*> values;
      const EventView& event = one->event();
      for (const Values scope : {event.common_context, event.specific_context, event.payload}) {
        for (std::size_t i = 0; i < scope.size();) {
          values[scope[i].field] = &scope[i];
          i += scope[i].kind == ValueKind::kArray ? scope[i].extent : 1;
        }
      }
      for (const ColumnPlan& plan : plans[one->row().event]) {
        if (plan.cell == Cell::kNumbers) continue;
        const auto value = values.find(plan.field);
        expected[one->row().event].push_back(
            value == values.end() ? "absent" : value_text(plan.cell, *value->second));
      }
    }
    ColumnReader columns(other.get());
    while (const ColumnBatch* batch = columns.next()) {
      for (std::size_t row = 0; row < batch->times_ns.size(); ++row) {
        for (std::size_t i = 0; i < batch->columns.size(); ++i) {
          if (plans[batch->event][i].cell == Cell::kNumbers) continue;
          found[batch->event].push_back(cell_text(plans[batch->event][i], batch->columns[i], row));
          ++cells_seen;
        }
      }
    }
    ASSERT_EQ(found, expected);
  }
  EXPECT_GT(cells_seen, 10000u);
}

}  // namespace
}  // namespace sillage::ctf
