// SPDX-License-Identifier: MIT
#include "import/perf_file.hpp"

#include <array>
#include <utility>

namespace sillage::import {
namespace {

constexpr std::uint64_t kPipeHeaderBytes = 16;
constexpr std::size_t kMaxAttrs = 65536;
constexpr std::uint64_t kMaxIds = 1u << 22;
constexpr std::uint64_t kMaxFeatureBytes = std::uint64_t{64} << 20;
constexpr unsigned kFeatureBits = 256;
constexpr std::size_t kAttrBytesVersion0 = 64;
constexpr std::size_t kMaxAttrBytes = 4096;

enum Feature : std::uint64_t {
  kTracingDataFeature = 1,
  kHostname = 3,
  kOsRelease = 4,
  kVersion = 5,
  kArch = 6,
  kEventDesc = 12,
  kDirFormat = 24,
  kClockData = 29,
};

// Bit fields of C fill a word from its lowest bit on little-endian machines, from its highest on
// others.
bool flag(std::uint64_t flags, unsigned number, ctf::ByteOrder order) {
  return (flags >> (order == ctf::ByteOrder::kLittle ? number : 63 - number) & 1) != 0;
}

// struct perf_event_attr; older ones are shorter, what they do not say is 0.
PerfAttr parse_attr(std::span<const std::byte> bytes, ctf::ByteOrder order) {
  std::array<std::byte, 128> whole{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), whole.size()), whole.begin());
  RecordCursor cursor(whole, order);
  PerfAttr attr;
  attr.type = cursor.u32();
  cursor.skip(4);  // size
  attr.config = cursor.u64();
  cursor.skip(8);  // period
  attr.sample_type = cursor.u64();
  attr.read_format = cursor.u64();
  const std::uint64_t flags = cursor.u64();
  constexpr unsigned kSampleIdAll = 18, kUseClockId = 25;
  attr.sample_id_all = flag(flags, kSampleIdAll, order);
  attr.has_clock = flag(flags, kUseClockId, order);
  cursor.skip(8 + 8 + 8);  // wakeup, breakpoint type, config1, config2
  attr.branch_sample_type = cursor.u64();
  attr.regs_user = cursor.u64();
  cursor.skip(4);  // size of stacks
  attr.clock = cursor.s32();
  attr.regs_intr = cursor.u64();
  return attr;
}

// perf's strings: a length, text, NULs.
std::string parse_string(RecordCursor* cursor) {
  const std::uint32_t size = cursor->u32();
  return std::string(text_of(cursor->take(size)));
}

struct Section {
  std::uint64_t offset = 0, size = 0;
};

Section read_section(InputCursor* cursor) {
  Section section;
  section.offset = cursor->u64();
  section.size = cursor->u64();
  return section;
}

Status read_attrs(const Input& input, const Section& attrs, std::uint64_t entry_bytes,
                  PerfFile* file) {
  constexpr std::uint64_t kSectionBytes = 16;
  if (entry_bytes < kAttrBytesVersion0 + kSectionBytes || entry_bytes > kMaxAttrBytes)
    return fail(Code::kCorrupt,
                "descriptions of events of " + std::to_string(entry_bytes) + " bytes",
                input.name());
  if (attrs.size / entry_bytes > kMaxAttrs)
    return fail(Code::kLimit, "more than 65536 kinds of events", input.name());
  std::uint64_t ids_left = kMaxIds;
  for (std::uint64_t at = 0; attrs.size - at >= entry_bytes; at += entry_bytes) {
    auto bytes = input.bytes(attrs.offset + at, entry_bytes);
    if (!bytes) return tl::unexpected(std::move(bytes).error());
    const std::span<const std::byte> entry = *bytes;
    file->attrs.push_back(parse_attr(entry.first(entry_bytes - kSectionBytes), file->order));
    RecordCursor place(entry.last(kSectionBytes), file->order);
    const std::uint64_t offset = place.u64();
    const std::uint64_t size = place.u64();
    if (size / 8 > ids_left) return fail(Code::kLimit, "too many ids of events", input.at(offset));
    ids_left -= size / 8;
    auto ids = input.bytes(offset, size);
    if (!ids) return tl::unexpected(std::move(ids).error());
    RecordCursor list(*ids, file->order);
    while (list.left() >= 8) file->attr_by_id.try_emplace(list.u64(), file->attrs.size() - 1);
  }
  return {};
}

Status read_features(const Input& input, const std::array<std::uint64_t, 4>& bits, PerfFile* file) {
  InputCursor table(input, file->data_end, input.size());
  table.set_order(file->order);
  for (unsigned number = 0; number < kFeatureBits; ++number) {
    if ((bits[number / 64] >> (number % 64) & 1) == 0) continue;
    const Section section = read_section(&table);
    SILLAGE_TRY(table.status());
    if (number == kDirFormat) file->is_of_directory = true;
    if (number == kTracingDataFeature) {
      InputCursor content(input, section.offset, section.offset + section.size);
      SILLAGE_TRY(read_tracing_data(&content, &file->tracing));
    } else if (number == kHostname || number == kOsRelease || number == kVersion ||
               number == kArch || number == kEventDesc || number == kClockData) {
      if (section.size > kMaxFeatureBytes)
        return fail(Code::kLimit, "a part of the header is too large", input.at(section.offset));
      auto content = input.bytes(section.offset, section.size);
      if (!content) return tl::unexpected(std::move(content).error());
      file->add_feature(number, *content);
    }
  }
  return {};
}

}  // namespace

const PerfAttr* PerfFile::find(std::uint64_t id) const {
  if (attrs.size() == 1) return &attrs.front();
  const auto found = attr_by_id.find(id);
  return found == attr_by_id.end() ? nullptr : &attrs[found->second];
}

Status PerfFile::add_attr(std::span<const std::byte> content) {
  RecordCursor cursor(content, order);
  (void)cursor.u32();
  const std::uint32_t size = cursor.u32();
  if (!cursor.ok() || size < kAttrBytesVersion0 || size > content.size())
    return fail(Code::kCorrupt, "the description of an event is cut off");
  if (attrs.size() == kMaxAttrs || attr_by_id.size() >= kMaxIds)
    return fail(Code::kLimit, "more than 65536 kinds of events");
  attrs.push_back(parse_attr(content.first(size), order));
  RecordCursor ids(content.subspan(size), order);
  while (ids.left() >= 8) attr_by_id.try_emplace(ids.u64(), attrs.size() - 1);
  return {};
}

void PerfFile::add_feature(std::uint64_t number, std::span<const std::byte> content) {
  RecordCursor cursor(content, order);
  switch (number) {
    case kHostname: hostname = parse_string(&cursor); break;
    case kOsRelease: kernel_release = parse_string(&cursor); break;
    case kVersion: version = parse_string(&cursor); break;
    case kArch: machine = parse_string(&cursor); break;
    case kClockData: {
      cursor.skip(8);  // version, clock
      const ClockPair pair{.wall_clock_ns = cursor.u64(), .clock_ns = cursor.u64()};
      if (cursor.ok()) clock_pair = pair;
      break;
    }
    case kEventDesc: {
      // The events in the order of their attributes, with their names.
      const std::uint32_t count = cursor.u32();
      const std::uint32_t attr_bytes = cursor.u32();
      for (std::uint32_t i = 0; i < count && cursor.ok(); ++i) {
        cursor.skip(attr_bytes);
        const std::uint32_t ids = cursor.u32();
        std::string name = parse_string(&cursor);
        (void)cursor.take_u64s(ids);
        if (cursor.ok() && i < attrs.size()) attrs[i].name = std::move(name);
      }
      break;
    }
    default: break;
  }
}

void PerfFile::add_update(std::span<const std::byte> content) {
  constexpr std::uint64_t kName = 2;
  RecordCursor cursor(content, order);
  const std::uint64_t what = cursor.u64();
  const std::uint64_t id = cursor.u64();
  const std::string_view name = text_of(cursor.take(cursor.left()));
  const auto found = attr_by_id.find(id);
  if (what == kName && found != attr_by_id.end()) attrs[found->second].name = std::string(name);
}

Result<PerfFile> read_perf_file(const Input& input) {
  PerfFile file;
  InputCursor cursor(input);
  const std::string magic = cursor.text(8, 8);
  SILLAGE_TRY(cursor.status());
  if (magic == "PERFILE2")
    file.order = ctf::ByteOrder::kLittle;
  else if (magic == "2ELIFREP")
    file.order = ctf::ByteOrder::kBig;
  else
    return fail(Code::kCorrupt, "not the beginning of a perf file", input.name());
  cursor.set_order(file.order);
  const std::uint64_t header_bytes = cursor.u64();
  if (header_bytes == kPipeHeaderBytes) {
    file.is_pipe = true;
    file.data_begin = kPipeHeaderBytes;
    file.data_end = input.size();
    return file;
  }
  const std::uint64_t attr_bytes = cursor.u64();
  const Section attrs = read_section(&cursor);
  const Section data = read_section(&cursor);
  (void)read_section(&cursor);  // names of events, long unused
  std::array<std::uint64_t, 4> bits{};
  // A bitmap of longs: on big-endian machines of 64 bits the words are as they are here.
  for (std::uint64_t& word : bits) word = cursor.u64();
  SILLAGE_TRY(cursor.status());
  if (data.offset > input.size())
    return fail(Code::kCorrupt, "the records begin behind the end of the file", input.name());
  file.data_begin = data.offset;
  // An interrupted perf leaves 0: the records go on to the end, and there are no features.
  const bool is_whole = data.size != 0 && data.size <= input.size() - data.offset;
  file.data_end = is_whole ? data.offset + data.size : input.size();
  SILLAGE_TRY(read_attrs(input, attrs, attr_bytes, &file));
  if (is_whole) SILLAGE_TRY(read_features(input, bits, &file));
  return file;
}

}  // namespace sillage::import
