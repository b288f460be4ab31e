// SPDX-License-Identifier: MIT
#include "import/ring_page.hpp"

#include "import/integer_bytes.hpp"

namespace sillage::import {
namespace {

constexpr std::uint64_t kLostFlag = 1u << 31, kLostStoredFlag = 1u << 30;
constexpr std::uint64_t kCommitMask = (1u << 27) - 1;
constexpr std::uint32_t kPadding = 29, kTimeExtend = 30, kTimeStamp = 31;
constexpr unsigned kDeltaBits = 27;
constexpr std::uint64_t kDeltaMask = (1u << kDeltaBits) - 1;
// What a time stamp of 32 + 27 bits leaves to the time before.
constexpr std::uint64_t kHighTimeBits = ~((std::uint64_t{1} << 59) - 1);

}  // namespace

Result<RingPage> RingPage::open(std::span<const std::byte> page, const PageLayout& layout,
                                ctf::ByteOrder order) {
  RingPage opened;
  opened.order_ = order;
  const std::size_t head_bytes =
      std::max<std::size_t>({8, layout.data_offset, layout.commit_offset + layout.commit_bytes});
  if (page.size() < head_bytes) return fail(Code::kCorrupt, "a page is smaller than its head");
  opened.time_ = load_integer(page.data(), 8, order);
  const std::uint64_t commit =
      load_integer(page.data() + layout.commit_offset, layout.commit_bytes, order);
  const auto data = page.subspan(layout.data_offset);
  const std::uint64_t bytes = commit & kCommitMask;
  if (bytes > data.size())
    return fail(Code::kCorrupt, "a page of " + std::to_string(page.size()) +
                                    " bytes says that it has " + std::to_string(bytes) +
                                    " bytes of records");
  opened.records_ = data.first(bytes);
  opened.base_ = layout.data_offset;
  if ((commit & kLostFlag) != 0) {
    opened.lost_ = 1;
    if ((commit & kLostStoredFlag) != 0 && data.size() - bytes >= layout.commit_bytes)
      opened.lost_ = load_integer(data.data() + bytes, layout.commit_bytes, order);
  }
  return opened;
}

Result<std::optional<RingRecord>> RingPage::next() {
  while (true) {
    const auto rest = records_.subspan(at_);
    if (rest.size() < 4) return std::nullopt;
    const auto head = static_cast<std::uint32_t>(load_integer(rest.data(), 4, order_));
    const bool is_little = order_ == ctf::ByteOrder::kLittle;
    const std::uint32_t type = is_little ? head & 31 : head >> kDeltaBits;
    const std::uint64_t delta = is_little ? head >> 5 : head & kDeltaMask;
    if (type == kPadding && delta == 0) return std::nullopt;  // nothing behind it
    const bool has_word = type == 0 || type >= kPadding;
    if (has_word && rest.size() < 8) return fail(Code::kCorrupt, "a record is cut off");
    const std::uint64_t word = has_word ? load_integer(rest.data() + 4, 4, order_) : 0;
    std::size_t length = 8;  // of all of it
    if (type == 0 || type == kPadding) {
      // Records are aligned to 4 bytes, or on some machines to 8, which their length then says.
      length = 4 + (word + 3) / 4 * 4;
      if (length < 8) return fail(Code::kCorrupt, "a record is shorter than its length");
    } else if (type < kPadding) {
      length = 4 + std::size_t{4} * type;
    }
    if (rest.size() < length) return fail(Code::kCorrupt, "a record is cut off");
    if (type == kTimeStamp) {
      time_ = (time_ & kHighTimeBits) | (word << kDeltaBits) | delta;
    } else {
      time_ += delta + (type == kTimeExtend ? word << kDeltaBits : 0);
    }
    at_ += length;
    if (type >= kPadding) continue;
    const std::size_t head_bytes = type == 0 ? 8 : 4;
    return RingRecord{time_, rest.subspan(head_bytes, length - head_bytes)};
  }
}

}  // namespace sillage::import
