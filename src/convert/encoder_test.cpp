// SPDX-License-Identifier: MIT
// What a decoder reads and an encoder writes again must be the same bytes, whatever the classes.
#include "convert/encoder.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace sillage::convert {
namespace {

using namespace ctf;  // the model's names are this file's words

/// Makes random classes and, beside them, random bytes that they can read.
class RandomTrace {
 public:
  explicit RandomTrace(unsigned seed) : random_(seed) {}

  FieldClassRef structure(unsigned depth) {
    Structure structure{.minimum_alignment_bits = 1u << pick(6)};
    const unsigned count = pick(6) + 1;
    std::string length;
    for (unsigned i = 0; i < count; ++i) {
      const std::string name = "m" + std::to_string(i);
      const bool is_length = pick(3) == 0;
      structure.members.push_back({name, is_length ? length_class() : any(depth, length)});
      if (is_length) length = name;
    }
    return make_field_class(std::move(structure));
  }

  std::vector<std::byte> bytes(std::size_t count) {
    std::vector<std::byte> bytes(count);
    // Zeroes end text, and keep lengths small.
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(pick(4) == 0 ? pick(128) : 0);
    return bytes;
  }

 private:
  unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

  BitLayout layout(unsigned length_bits) {
    BitLayout layout{.length_bits = length_bits, .alignment_bits = 1u << pick(6)};
    // Neighbours of different orders in one byte are refused: those start at bytes.
    layout.byte_order = pick(2) == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
    if (layout.alignment_bits < 8) layout.byte_order = ByteOrder::kLittle;
    if (layout.byte_order == ByteOrder::kBig && layout.length_bits % 8 != 0) {
      layout.byte_order = ByteOrder::kLittle;
    }
    if (pick(8) == 0) layout.bit_order = BitOrder::kLastToFirst;
    return layout;
  }
  FieldClassRef length_class() {
    if (pick(2) == 0) return make_field_class(VariableInteger{});
    return make_field_class(Integer{.layout = layout(pick(8) + 1)});
  }

  FieldClassRef any(unsigned depth, const std::string& length) {
    const Encoding encoding = static_cast<Encoding>(pick(5));
    const FieldLocation location{.path = {length}};
    switch (pick(depth == 0 ? 8 : 12)) {
      case 0: return make_field_class(Integer{.layout = layout(pick(64) + 1), .is_signed = true});
      case 1: return make_field_class(BitArray{.layout = layout(pick(64) + 1)});
      case 2: return make_field_class(Float{.layout = layout(16u << pick(3))});
      case 3: return make_field_class(VariableInteger{.is_signed = true});
      case 4: return make_field_class(NullTerminatedString{});
      case 5: return make_field_class(StaticBlob{.length_bytes = pick(9)});
      case 6:
        if (length.empty()) break;
        return make_field_class(DynamicBlob{.length_bytes = location});
      case 7: return make_field_class(NullTerminatedString{.encoding = encoding});
      case 8: return structure(depth - 1);
      case 9:
        return make_field_class(StaticArray{.length = pick(4),
                                            .element = any(depth - 1, length),
                                            .minimum_alignment_bits = 1u << pick(7)});
      case 10: {
        if (length.empty()) break;
        return make_field_class(Optional{
            .selector = location, .ranges = {{0, 0}}, .field_class = any(depth - 1, length)});
      }
      default: {
        if (length.empty()) break;
        Variant variant{.selector = location};
        variant.options.push_back({"a", {{0, 0}}, any(depth - 1, length)});
        variant.options.push_back({"b", {{1, ~std::uint64_t{0}}}, any(depth - 1, length)});
        return make_field_class(std::move(variant));
      }
    }
    return make_field_class(Boolean{.layout = layout(8)});
  }

  std::mt19937_64 random_;
};

// All of a value but where it stands in memory.
std::string describe(Values values) {
  std::string text;
  for (const Value& value : values) {
    text += std::to_string(value.field) + ":" + std::to_string(value.extent) + "=";
    switch (value.kind) {
      case ValueKind::kText:
      case ValueKind::kBlob: text += value.text(); break;
      case ValueKind::kFloat32:
      case ValueKind::kFloat64: text += std::to_string(value.real); break;
      case ValueKind::kStructure:
      case ValueKind::kVariant: break;
      case ValueKind::kArray: text += std::to_string(value.size); break;
      default: text += std::to_string(value.number); break;
    }
    text += '\n';
  }
  return text;
}

TEST(Encoder, AnyClasses_WriteWhatWasRead) {
  unsigned read = 0;
  for (unsigned seed = 0; seed < 3000; ++seed) {
    RandomTrace random(seed);
    auto model = std::make_shared<TraceModel>();
    model->version = Version::kCtf2;
    model->streams.push_back({});
    model->events.push_back({.name = "e", .payload = random.structure(3)});
    const auto plan = Plan::compile(model);
    ASSERT_TRUE(plan) << plan.error().text() << " seed " << seed;
    const std::vector<std::byte> bytes = random.bytes(600);
    Decoder decoder(*plan);
    ASSERT_TRUE(decoder.start_packet(bytes));
    if (decoder.next_event() != Decoder::Step::kEvent) continue;
    ++read;
    const TraceForm form = same_form(**plan);
    Encoder encoder(**plan);
    BitWriter out;
    encoder.encode(form.streams[0].events[0].payload, decoder.event().payload, &out);
    const std::string expected = describe(decoder.event().payload);
    out.resize(bytes.size());
    Decoder again(*plan);
    ASSERT_TRUE(again.start_packet(out.bytes()));
    ASSERT_EQ(again.next_event(), Decoder::Step::kEvent) << "seed " << seed;
    ASSERT_EQ(describe(again.event().payload), expected) << "seed " << seed;
  }
  EXPECT_GT(read, 1000u);
}

}  // namespace
}  // namespace sillage::convert
