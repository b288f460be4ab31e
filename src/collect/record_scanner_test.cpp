// SPDX-License-Identifier: MIT
#include "collect/record_scanner.hpp"

#include "ctf/layout.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace sillage::collect {
namespace {

constexpr std::uint64_t kStart = (UINT64_C(77) << SILLAGE_RECORD_EPOCH_BITS) + 1000;
constexpr std::uint64_t kForEver = UINT64_MAX;

// Builds records byte by byte.
class Bytes {
 public:
  Bytes& compact(std::uint32_t id, std::uint64_t time) {
    return put(static_cast<std::uint32_t>(id | time << SILLAGE_RECORD_ID_BITS));
  }
  Bytes& extended(std::uint32_t id, std::uint64_t time) {
    return put(std::uint8_t{SILLAGE_RECORD_ID_EXTENDED}).put(id).put(time);
  }
  template <class T>
  Bytes& put(T value) {
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
    return *this;
  }
  Bytes& text(std::string_view chars) {
    const auto* from = reinterpret_cast<const std::byte*>(chars.data());
    bytes_.insert(bytes_.end(), from, from + chars.size());
    return *this;
  }
  [[nodiscard]] const std::vector<std::byte>& get() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

RecordShape shape_of(const ctf::FieldClassRef& payload) {
  auto shape = RecordShape::compile(nullptr, nullptr, payload);
  EXPECT_TRUE(shape) << shape.error().text();
  return *shape;
}

// Ids: 0 nothing, 1 an int, 2 a string, 3 int + sequence of u16 + string + u64, 4 array of 3
//      floats.
RecordScanner make_scanner() {
  RecordScanner scanner;
  ctf::PayloadBuilder builder;
  scanner.add(shape_of(builder.build()));
  scanner.add(shape_of(builder.integer("a", {}).build()));
  scanner.add(shape_of(builder.string("s").build()));
  scanner.add(shape_of(builder.integer("a", {})
                           .sequence("q", {.size_bytes = 2})
                           .string("s")
                           .integer("z", {.size_bytes = 8})
                           .build()));
  scanner.add(shape_of(builder.float_array("f", 4, 3).build()));
  return scanner;
}

struct Outcome {
  Scan scan;
  StreamTime time;
};

Outcome scan(const Bytes& bytes, std::uint64_t limit = kForEver) {
  StreamTime time = StreamTime::at(kStart);
  const Scan result = make_scanner().scan(bytes.get(), limit, time);
  return {result, time};
}

TEST(RecordScanner, EveryKind_IsSteppedOverToTheEnd) {
  const auto [result, time] = scan(Bytes()
                                       .compact(0, kStart)
                                       .compact(1, kStart + 5)
                                       .put(1)
                                       .compact(2, kStart + 5)
                                       .text(std::string_view("abc\0", 4))
                                       .compact(3, kStart + 6)
                                       .put(1)
                                       .put(2u)
                                       .put(std::uint16_t{1})
                                       .put(std::uint16_t{2})
                                       .text(std::string_view("\0", 1))
                                       .put(UINT64_C(9))
                                       .compact(4, kStart + 7)
                                       .put(1.0f)
                                       .put(1.0f)
                                       .put(1.0f)
                                       .extended(1, kStart + 8)
                                       .put(1));
  EXPECT_FALSE(result.damaged);
  EXPECT_EQ(result.records, 6u);
  EXPECT_EQ(time.last_ns, kStart + 8);
}

TEST(RecordScanner, AppContexts_AreSteppedOverByTheirTags) {
  const auto contexts = ctf::contexts_class({128, 1, 129}, {"$app.a:b", "$app.a:c"});
  auto shape = RecordShape::compile(contexts, nullptr, nullptr);
  ASSERT_TRUE(shape) << shape.error().text();
  constexpr std::size_t kSizes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  for (std::uint8_t tag = 0; tag < 11; ++tag) {
    Bytes record;
    record.put(tag).text(std::string(kSizes[tag], 'x')).put(7).put(std::uint8_t{11});
    record.text("text").put('\0');
    EXPECT_EQ(shape->measure(record.get()), record.get().size()) << int{tag};
    for (std::size_t size = 0; size < record.get().size(); ++size)
      EXPECT_EQ(shape->measure(std::span(record.get()).first(size)), RecordShape::kNoRecord);
  }
  for (const int tag : {12, 127, 128, 255})
    EXPECT_EQ(shape->measure(
                  Bytes().put(static_cast<std::uint8_t>(tag)).text("12345678").put(7).put(0).get()),
              RecordShape::kNoRecord);
  // A tag that is not in front of what it says, or of another size, leads nowhere.
  auto members = contexts->as<ctf::Structure>()->members;
  std::swap(members[0], members[1]);
  EXPECT_FALSE(
      RecordShape::compile(ctf::make_field_class(ctf::Structure{members}), nullptr, nullptr));
}

TEST(RecordScanner, EveryTruncation_KeepsTheWholeRecordsInFront) {
  Bytes all;
  all.compact(1, kStart).put(1);
  const std::size_t first = all.get().size();
  all.compact(3, kStart + 6).put(1).put(2u).put(7u).text("xy").put('\0').put(UINT64_C(9));
  const std::size_t second = all.get().size();
  all.extended(2, kStart + 9).text("z").put('\0');
  for (std::size_t size = 0; size <= all.get().size(); ++size) {
    StreamTime time = StreamTime::at(kStart);
    // A buffer of exactly that size, so that the sanitizer sees a byte too far.
    const std::vector<std::byte> part(all.get().begin(),
                                      all.get().begin() + static_cast<long>(size));
    const Scan result = make_scanner().scan(part, kForEver, time);
    const std::size_t sound = size == all.get().size() ? size
                              : size >= second         ? second
                              : size >= first          ? first
                                                       : 0;
    EXPECT_EQ(result.bytes, sound) << size;
    EXPECT_EQ(result.damaged, size != sound) << size;
  }
}

TEST(RecordScanner, UnknownIds_AreDamage) {
  EXPECT_EQ(scan(Bytes().compact(0, kStart).compact(5, kStart)).scan.bytes, 4u);
  EXPECT_EQ(scan(Bytes().compact(0, kStart).compact(30, kStart)).scan.bytes, 4u);
  EXPECT_TRUE(scan(Bytes().extended(5, kStart)).scan.damaged);
  EXPECT_TRUE(scan(Bytes().extended(UINT32_MAX, kStart)).scan.damaged);
}

TEST(RecordScanner, TimeGoingBack_IsDamage) {
  EXPECT_EQ(scan(Bytes().compact(0, kStart + 2).compact(0, kStart + 1)).scan.records, 1u);
  EXPECT_EQ(scan(Bytes().compact(0, kStart + 2).extended(0, kStart + 1)).scan.records, 1u);
  EXPECT_EQ(scan(Bytes().compact(0, kStart - 1)).scan.records, 0u);
}

TEST(RecordScanner, CompactTimeOfAnotherEpoch_IsDamage) {
  const std::uint64_t next = UINT64_C(78) << SILLAGE_RECORD_EPOCH_BITS;
  EXPECT_EQ(scan(Bytes().compact(0, next - 1)).scan.records, 1u);
  EXPECT_EQ(scan(Bytes().compact(0, next)).scan.records, 0u);
  // After a full time of it, it is not.
  const auto [result, time] = scan(Bytes().extended(0, next).compact(0, next + 3));
  EXPECT_EQ(result.records, 2u);
  EXPECT_EQ(time.last_ns, next + 3);
  EXPECT_EQ(time.epoch, 78u);
}

TEST(RecordScanner, TimeBeyondTheLimit_IsDamage) {
  EXPECT_EQ(scan(Bytes().compact(0, kStart + 10).compact(0, kStart + 11), kStart + 10).scan.records,
            1u);
  EXPECT_EQ(scan(Bytes().extended(0, kStart + 11), kStart + 10).scan.records, 0u);
  EXPECT_EQ(scan(Bytes().compact(0, kStart), kStart - 1).scan.records, 0u);
  EXPECT_EQ(scan(Bytes().compact(0, kStart), 0).scan.records, 0u);
}

TEST(RecordScanner, HugeSequence_IsDamage) {
  EXPECT_EQ(scan(Bytes().compact(3, kStart).put(1).put(UINT32_MAX).put(0u)).scan.records, 0u);
}

TEST(RecordScanner, RunsOfOneSubbuf_GoOnInTime) {
  StreamTime time = StreamTime::at(kStart);
  const RecordScanner scanner = make_scanner();
  const std::uint64_t next = UINT64_C(78) << SILLAGE_RECORD_EPOCH_BITS;
  EXPECT_EQ(scanner.scan(Bytes().extended(0, next + 1).compact(0, next + 2).get(), kForEver, time)
                .records,
            2u);
  EXPECT_EQ(scanner.scan(Bytes().compact(0, next + 3).get(), kForEver, time).records, 1u);
  EXPECT_EQ(time.last_ns, next + 3);
  EXPECT_EQ(scanner.scan(Bytes().compact(0, next + 2).get(), kForEver, time).records, 0u);
}

TEST(RecordShape, Contexts_ComeFirst) {
  const auto stream = ctf::channel_stream_class(0, {1, 3}, ctf::monotonic_clock_class("", 0));
  const auto shape =
      RecordShape::compile(stream.common_context, nullptr,
                           ctf::PayloadBuilder().integer("a", {.size_bytes = 2}).build());
  ASSERT_TRUE(shape);
  EXPECT_EQ(shape->fixed_bytes(), 4u + 17u + 2u);
}

TEST(RecordShape, HugeArrays_SaturateAndFitNowhere) {
  const auto shape = shape_of(ctf::PayloadBuilder()
                                  .array("a", {.size_bytes = 8}, UINT64_MAX)
                                  .blob("b", UINT64_MAX, "")
                                  .string("s")
                                  .blob("c", UINT64_MAX, "")
                                  .build());
  EXPECT_EQ(shape.measure(std::vector<std::byte>(1000)), RecordShape::kNoRecord);
}

TEST(RecordShape, LengthsOfEverySize_AreRead) {
  for (const std::uint32_t length_bytes : {1u, 2u, 4u, 8u}) {
    const auto shape = shape_of(ctf::PayloadBuilder()
                                    .sequence("q", {.size_bytes = 2}, length_bytes)
                                    .text_sequence("t", length_bytes)
                                    .integer("z", {.size_bytes = 1})
                                    .build());
    std::vector<std::byte> bytes(100);
    bytes[0] = std::byte{3};  // elements; the text has none
    EXPECT_EQ(shape.measure(bytes), 2 * length_bytes + 3 * 2 + 1) << length_bytes;
    bytes[length_bytes - 1] = std::byte{0xff};
    EXPECT_EQ(shape.measure(bytes), RecordShape::kNoRecord) << length_bytes;
  }
}

TEST(RecordShape, LengthThatIsNotInFront_IsRefusedByName) {
  ctf::Structure structure;
  structure.members.push_back({"q", ctf::make_field_class(ctf::DynamicString{
                                        .length_bytes = {ctf::Scope::kPayload, {"elsewhere"}}})});
  const auto shape = RecordShape::compile(nullptr, nullptr, ctf::make_field_class(structure));
  ASSERT_FALSE(shape);
  EXPECT_EQ(shape.error().code, Code::kUnsupported);
  EXPECT_NE(shape.error().message.find("\"q\""), std::string::npos);
}

}  // namespace
}  // namespace sillage::collect
