// SPDX-License-Identifier: MIT
#include "import/trace_dat.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace sillage::import {
namespace {

using std::string_literals::operator""s;

constexpr std::uint32_t kMaxCpus = 16384;
constexpr std::size_t kMaxBuffers = 1024;
constexpr std::uint64_t kMaxOptionBytes = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxNameBytes = 256;
constexpr unsigned kMaxOptions = 65536;

enum Option : std::uint16_t {
  kDone = 0,
  kDate = 1,
  kBuffer = 3,
  kTraceClock = 4,
  kUname = 5,
  kOffset = 7,
  kCpuCount = 8,
  kVersion = 9,
  kTimeShift = 12,
  kTsc2Nsec = 14,
  kHeaderInfo = 16,
  kFtraceEvents = 17,
  kEventFormats = 18,
  kCmdlines = 21,
  kBufferText = 22,
};

constexpr const char* kNoRecords =
    "it holds the text of a latency tracer, no records; read it with trace-cmd report";

// "[local] global counter": the name in brackets.
std::string chosen_clock(std::string_view text) {
  const std::size_t begin = text.find('[');
  const std::size_t end = text.find(']');
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
  return std::string(text.substr(begin + 1, end - begin - 1));
}

std::string until_nul(std::string text) {
  text.resize(std::min(text.find('\0'), text.size()));
  return text;
}

// A number as C writes it: "-12", "0x1f".
std::int64_t signed_number(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  const bool is_hex = text.starts_with("0x");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
  return static_cast<std::int64_t>(is_negative ? 0 - value : value);
}

// Adds as computers do: a foreign sum may be anything.
std::int64_t wrapping_add(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

bool is_page_size(std::uint32_t bytes) {
  constexpr std::uint32_t kLargest = 1u << 24;
  return bytes >= 64 && bytes <= kLargest && (bytes & (bytes - 1)) == 0;
}

// Reads either version into a TraceDat.
class Reader {
 public:
  explicit Reader(const Input& input) : input_(input), cursor_(input) {}

  Result<TraceDat> read() {
    SILLAGE_TRY(read_initial_format(&cursor_, &dat_.tracing));
    if (dat_.tracing.version != "6" && dat_.tracing.version != "7")
      return fail(Code::kUnsupported,
                  "version " + dat_.tracing.version +
                      " of trace-cmd's files; \"trace-cmd convert\" makes version 7",
                  input_.name());
    if (!is_page_size(dat_.tracing.page_bytes))
      return fail(Code::kCorrupt, "pages of " + std::to_string(dat_.tracing.page_bytes) + " bytes",
                  input_.name());
    SILLAGE_TRY(dat_.tracing.version == "6" ? read_version_6() : read_version_7());
    return std::move(dat_);
  }

 private:
  Status read_version_6();
  Status read_version_7();
  Status read_options_6();
  Status read_cpus_6(InputCursor* cursor, RingBuffer* buffer);
  Status read_buffers_6();
  Status read_options_7(std::uint64_t offset);
  Status read_section(std::uint16_t id, std::uint64_t offset);
  Status read_buffer_option_7(InputCursor* option);
  Status read_common_option(std::uint16_t id, InputCursor* option);

  const Input& input_;
  InputCursor cursor_;
  TraceDat dat_;
  Compression compression_ = Compression::kNone;
  std::uint32_t cpu_count_ = 0;
  std::string clock_;
  bool has_clock_ = false;
  std::vector<std::pair<std::string, std::uint64_t>> named_buffers_;  // version 6: name, offset
};

Status Reader::read_version_6() {
  TracingData* tracing = &dat_.tracing;
  SILLAGE_TRY(read_page_headers(&cursor_, tracing));
  SILLAGE_TRY(read_ftrace_formats(&cursor_, tracing));
  SILLAGE_TRY(read_event_formats(&cursor_, tracing));
  SILLAGE_TRY(skip_kallsyms_and_printk(&cursor_));
  SILLAGE_TRY(read_task_names(&cursor_, tracing));
  cpu_count_ = cursor_.u32();
  std::string kind = cursor_.text(10, 10);
  if (kind == "options  \0"s) {
    SILLAGE_TRY(read_options_6());
    kind = cursor_.text(10, 10);
  }
  SILLAGE_TRY(cursor_.status());
  if (kind == "latency  \0"s) return fail(Code::kUnsupported, kNoRecords, input_.name());
  if (kind != "flyrecord\0"s) cursor_.refuse(Code::kCorrupt, "the table of CPUs is missing");
  RingBuffer top;
  SILLAGE_TRY(read_cpus_6(&cursor_, &top));
  dat_.buffers.push_back(std::move(top));
  return read_buffers_6();
}

Status Reader::read_options_6() {
  for (unsigned count = 0; cursor_.ok(); ++count) {
    const std::uint16_t id = cursor_.u16();
    if (id == kDone) break;
    const std::uint32_t size = cursor_.u32();
    if (count == kMaxOptions) cursor_.refuse(Code::kLimit, "there are more than 65536 options");
    if (size > cursor_.left())
      cursor_.refuse(Code::kCorrupt, "an option ends behind the file's end");
    if (!cursor_.ok()) break;
    InputCursor option(input_, cursor_.offset(), cursor_.offset() + size);
    option.set_order(cursor_.order());
    cursor_.skip(size);
    if (id == kBuffer) {
      const std::uint64_t offset = option.u64();
      named_buffers_.emplace_back(option.c_string(kMaxNameBytes), offset);
      if (named_buffers_.size() > kMaxBuffers)
        option.refuse(Code::kLimit, "there are more than 1024 buffers");
      SILLAGE_TRY(option.status());
    } else {
      SILLAGE_TRY(read_common_option(id, &option));
    }
  }
  return cursor_.status();
}

// The options that mean the same in both versions.
Status Reader::read_common_option(std::uint16_t id, InputCursor* option) {
  const auto text = [&] { return until_nul(option->text(option->left(), kMaxOptionBytes)); };
  switch (id) {
    case kDate: {
      constexpr std::int64_t kNsPerUs = 1000;
      std::int64_t ns = 0;
      if (!__builtin_mul_overflow(signed_number(text()), kNsPerUs, &ns))
        dat_.wall_clock_offset_ns = ns;
      break;
    }
    case kOffset: dat_.offset_ns = wrapping_add(dat_.offset_ns, signed_number(text())); break;
    case kTraceClock:
      has_clock_ = true;
      clock_ = chosen_clock(text());
      break;
    case kUname: dat_.uname = text(); break;
    case kVersion: dat_.recorder_version = text(); break;
    case kCpuCount: cpu_count_ = option->u32(); break;
    case kTimeShift: dat_.is_guest = true; break;
    case kTsc2Nsec: {
      TscConversion tsc;
      tsc.multiplier = option->u32();
      tsc.shift = option->u32();
      tsc.offset = option->u64();
      if (tsc.multiplier != 0 && tsc.shift < 64) dat_.tsc = tsc;
      break;
    }
    default: break;
  }
  return option->status();
}

Status Reader::read_cpus_6(InputCursor* cursor, RingBuffer* buffer) {
  if (cpu_count_ > kMaxCpus)
    cursor->refuse(Code::kLimit, std::to_string(cpu_count_) + " CPUs are too many");
  SILLAGE_TRY(cursor->status());
  for (std::uint32_t cpu = 0; cpu < cpu_count_; ++cpu) {
    CpuPages pages;
    pages.cpu = cpu;
    pages.offset = cursor->u64();
    pages.size = cursor->u64();
    if (pages.size != 0) buffer->cpus.push_back(pages);
  }
  SILLAGE_TRY(cursor->status());
  if (has_clock_ && buffer->name.empty()) {
    // The option only announces it. Early files end without.
    const std::uint64_t size = cursor->u64();
    const std::string text = cursor->text(size, kMaxOptionBytes);
    if (cursor->ok()) clock_ = chosen_clock(text);
  }
  buffer->clock = clock_;
  buffer->page_bytes = dat_.tracing.page_bytes;
  return {};
}

Status Reader::read_buffers_6() {
  for (const auto& [name, offset] : named_buffers_) {
    InputCursor cursor(input_, offset, input_.size());
    cursor.set_order(dat_.tracing.order);
    if (cursor.text(10, 10) != "flyrecord\0"s)
      cursor.refuse(Code::kCorrupt, "the table of CPUs of buffer " + name + " is missing");
    RingBuffer buffer;
    buffer.name = name;
    SILLAGE_TRY(read_cpus_6(&cursor, &buffer));
    dat_.buffers.push_back(std::move(buffer));
  }
  return {};
}

Status Reader::read_version_7() {
  const std::string algorithm = cursor_.c_string(kMaxNameBytes);
  (void)cursor_.c_string(kMaxNameBytes);  // its version: both formats say their own
  const std::uint64_t options = cursor_.u64();
  SILLAGE_TRY(cursor_.status());
  if (algorithm == "zstd")
    compression_ = Compression::kZstd;
  else if (algorithm == "zlib")
    compression_ = Compression::kZlib;
  else if (algorithm != "none")
    return fail(Code::kUnsupported,
                "compressed with " + algorithm + "; use trace-cmd convert --compression zstd",
                input_.name());
  SILLAGE_TRY(read_options_7(options));
  for (RingBuffer& buffer : dat_.buffers)
    if (buffer.clock.empty()) buffer.clock = clock_;
  return {};
}

Status Reader::read_options_7(std::uint64_t offset) {
  std::vector<std::pair<std::uint16_t, std::uint64_t>> sections;
  unsigned count = 0;
  // Several lists, each with the place of the next one.
  while (offset != 0) {
    InputCursor head(input_, offset, input_.size());
    head.set_order(dat_.tracing.order);
    const std::uint16_t section = head.u16();
    const std::uint16_t flags = head.u16();
    (void)head.u32();  // its description
    (void)head.u64();  // its size: the list says where it ends
    if (head.ok() && section != kDone) head.refuse(Code::kCorrupt, "no options stand here");
    SILLAGE_TRY(head.status());
    std::vector<std::byte> plain;
    std::optional<Input> unpacked;
    if ((flags & 1) != 0) {
      const std::uint32_t packed_size = head.u32();
      const std::uint32_t plain_size = head.u32();
      SILLAGE_TRY(head.status());
      auto packed = input_.bytes(head.offset(), packed_size);
      if (!packed) return tl::unexpected(std::move(packed).error());
      auto bytes = decompress(compression_, *packed, plain_size);
      if (!bytes) return fail(bytes.error().code, bytes.error().message, input_.at(offset));
      plain = std::move(*bytes);
      unpacked = Input::of_memory(plain, input_.name() + "@" + std::to_string(offset) + "+");
    }
    InputCursor list(unpacked ? *unpacked : input_, unpacked ? 0 : head.offset(),
                     unpacked ? plain.size() : input_.size());
    list.set_order(dat_.tracing.order);
    offset = 0;
    bool is_done = false;
    while (!is_done) {
      const std::uint16_t id = list.u16();
      const std::uint32_t size = list.u32();
      // Also ends lists that lead to each other.
      if (++count > kMaxOptions) list.refuse(Code::kLimit, "there are more than 65536 options");
      if (size > list.left()) list.refuse(Code::kCorrupt, "an option ends behind its list's end");
      SILLAGE_TRY(list.status());
      InputCursor option(list.input(), list.offset(), list.offset() + size);
      option.set_order(list.order());
      list.skip(size);
      switch (id) {
        case kDone:
          offset = option.u64();
          is_done = true;
          break;
        case kBuffer: SILLAGE_TRY(read_buffer_option_7(&option)); break;
        case kBufferText: return fail(Code::kUnsupported, kNoRecords, input_.name());
        case kHeaderInfo:
        case kFtraceEvents:
        case kEventFormats:
        case kCmdlines: sections.emplace_back(id, option.u64()); break;
        default: SILLAGE_TRY(read_common_option(id, &option)); break;
      }
      SILLAGE_TRY(option.status());
    }
  }
  // The size of a long, which formats need, is in the first.
  std::sort(sections.begin(), sections.end());
  for (const auto& [id, place] : sections) SILLAGE_TRY(read_section(id, place));
  return {};
}

Status Reader::read_section(std::uint16_t id, std::uint64_t offset) {
  InputCursor head(input_, offset, input_.size());
  head.set_order(dat_.tracing.order);
  const std::uint16_t section = head.u16();
  const std::uint16_t flags = head.u16();
  (void)head.u32();
  const std::uint64_t size = head.u64();
  if (head.ok() && section != id)
    head.refuse(Code::kCorrupt, "section " + std::to_string(section) + " stands where section " +
                                    std::to_string(id) + " should");
  SILLAGE_TRY(head.status());
  const auto parse = [&](InputCursor* content) -> Status {
    content->set_order(dat_.tracing.order);
    switch (id) {
      case kHeaderInfo: return read_page_headers(content, &dat_.tracing);
      case kFtraceEvents: return read_ftrace_formats(content, &dat_.tracing);
      case kEventFormats: return read_event_formats(content, &dat_.tracing);
      default: return read_task_names(content, &dat_.tracing);
    }
  };
  if ((flags & 1) == 0) {
    if (size > head.left()) head.refuse(Code::kCorrupt, "a section ends behind the file's end");
    SILLAGE_TRY(head.status());
    InputCursor content(input_, head.offset(), head.offset() + size);
    return parse(&content);
  }
  const std::uint32_t packed_size = head.u32();
  const std::uint32_t plain_size = head.u32();
  SILLAGE_TRY(head.status());
  auto packed = input_.bytes(head.offset(), packed_size);
  if (!packed) return tl::unexpected(std::move(packed).error());
  auto plain = decompress(compression_, *packed, plain_size);
  if (!plain) return fail(plain.error().code, plain.error().message, input_.at(offset));
  const Input unpacked =
      Input::of_memory(*plain, input_.name() + "@" + std::to_string(offset) + "+");
  InputCursor content(unpacked);
  return parse(&content);
}

Status Reader::read_buffer_option_7(InputCursor* option) {
  RingBuffer buffer;
  const std::uint64_t section = option->u64();
  buffer.name = option->c_string(kMaxNameBytes);
  buffer.clock = option->c_string(kMaxNameBytes);
  buffer.page_bytes = option->u32();
  const std::uint32_t count = option->u32();
  SILLAGE_TRY(option->status());
  if (count > kMaxCpus || dat_.buffers.size() == kMaxBuffers)
    return fail(Code::kLimit, "there are too many buffers, or CPUs in one",
                input_.at(option->offset()));
  for (std::uint32_t i = 0; i < count; ++i) {
    CpuPages pages;
    pages.cpu = option->u32();
    pages.offset = option->u64();
    pages.size = option->u64();
    if (pages.size != 0) buffer.cpus.push_back(pages);
  }
  SILLAGE_TRY(option->status());
  if (!is_page_size(buffer.page_bytes))
    return fail(Code::kCorrupt, "pages of " + std::to_string(buffer.page_bytes) + " bytes",
                input_.at(option->offset()));
  InputCursor head(input_, section, input_.size());
  head.set_order(dat_.tracing.order);
  const std::uint16_t id = head.u16();
  const std::uint16_t flags = head.u16();
  if (head.ok() && id != kBuffer) head.refuse(Code::kCorrupt, "no records stand here");
  SILLAGE_TRY(head.status());
  if ((flags & 1) != 0) buffer.compression = compression_;
  dat_.buffers.push_back(std::move(buffer));
  return {};
}

}  // namespace

Result<TraceDat> read_trace_dat(const Input& input) { return Reader(input).read(); }

PageReader::PageReader(const Input& input, const RingBuffer& buffer, const CpuPages& pages,
                       ctf::ByteOrder order)
    : input_(input),
      compression_(buffer.compression),
      page_bytes_(buffer.page_bytes),
      order_(order),
      at_(std::min(pages.offset, input.size())),
      end_(at_ + std::min(pages.size, input.size() - at_)) {
  // trace-cmd 3.1.6 does not count the number of chunks among the bytes.
  constexpr std::uint64_t kChunkCountBytes = 4;
  if (compression_ != Compression::kNone) end_ += std::min(kChunkCountBytes, input.size() - end_);
}

Result<std::span<const std::byte>> PageReader::next() {
  if (compression_ == Compression::kNone) {
    place_ = at_;
    if (at_ >= end_) return std::span<const std::byte>();
    bytes_.resize(std::min<std::uint64_t>(page_bytes_, end_ - at_));
    at_ += bytes_.size();
    SILLAGE_TRY(input_.read(place_, bytes_));
    return std::span<const std::byte>(bytes_);
  }
  if (used_ == bytes_.size()) SILLAGE_TRY(read_chunk());
  const auto page =
      std::span(bytes_).subspan(used_, std::min<std::size_t>(page_bytes_, bytes_.size() - used_));
  used_ += page.size();
  return std::span<const std::byte>(page);
}

Status PageReader::read_chunk() {
  bytes_.clear();
  used_ = 0;
  InputCursor cursor(input_, at_, end_);
  cursor.set_order(order_);
  if (!is_begun_) chunks_left_ = cursor.left() == 0 ? 0 : cursor.u32();
  is_begun_ = true;
  while (chunks_left_ != 0) {
    place_ = cursor.offset();
    --chunks_left_;
    const std::uint32_t packed_size = cursor.u32();
    const std::uint32_t plain_size = cursor.u32();
    const std::uint64_t begin = cursor.offset();
    cursor.skip(packed_size);
    at_ = cursor.offset();
    if (!cursor.ok()) {
      chunks_left_ = 0;
      return cursor.status();
    }
    auto packed = input_.bytes(begin, packed_size);
    if (!packed) return tl::unexpected(std::move(packed).error());
    auto plain = decompress(compression_, *packed, plain_size);
    if (!plain) return fail(plain.error().code, plain.error().message, input_.at(place_));
    bytes_ = std::move(*plain);
    if (!bytes_.empty()) break;
  }
  return {};
}

}  // namespace sillage::import
