// SPDX-License-Identifier: MIT
#include "import/perf_sample.hpp"

#include <array>
#include <bit>
#include <string>
#include <string_view>
#include <utility>

namespace sillage::import {
namespace {

// Bits of `read_format`.
enum ReadBit : std::uint64_t {
  kTimeEnabled = 1u << 0,
  kTimeRunning = 1u << 1,
  kReadId = 1u << 2,
  kGroup = 1u << 3,
  kLost = 1u << 4,
};
constexpr std::uint64_t kBranchHwIndex = 1u << 17;

// Markers in call chains: the addresses behind them are of that kind.
constexpr std::uint64_t kFirstMarker = static_cast<std::uint64_t>(-4095);
constexpr std::uint64_t kHypervisorMarker = static_cast<std::uint64_t>(-32);
constexpr std::uint64_t kKernelMarker = static_cast<std::uint64_t>(-128);
constexpr std::uint64_t kUserMarker = static_cast<std::uint64_t>(-512);

// A field that is one u64 in the sample, too.
struct PlainField {
  SampleBit bit;
  std::string_view name;
  bool is_hexadecimal;
};

class ClassBuilder {
 public:
  // Begins with these.
  explicit ClassBuilder(ctf::Structure structure) : structure_(std::move(structure)) {}

  void integer(std::string_view name, std::uint32_t bits, bool is_hexadecimal = false) {
    structure_.members.push_back({std::string(name), number(bits, is_hexadecimal)});
  }
  void sequence(std::string_view name, bool is_hexadecimal) {
    structure_.members.push_back({std::string(name), ctf::make_field_class(ctf::DynamicArray{
                                                         .length = add_length(name),
                                                         .element = number(64, is_hexadecimal)})});
  }
  void bytes(std::string_view name) {
    structure_.members.push_back({std::string(name), ctf::make_field_class(ctf::DynamicBlob{
                                                         .length_bytes = add_length(name)})});
  }
  ctf::FieldClassRef take() { return ctf::make_field_class(std::move(structure_)); }

 private:
  static ctf::FieldClassRef number(std::uint32_t bits, bool is_hexadecimal) {
    return ctf::make_field_class(
        ctf::Integer{.layout = {.length_bits = bits},
                     .base = is_hexadecimal ? ctf::Base::kHexadecimal : ctf::Base::kDecimal});
  }
  // As LTTng names lengths.
  ctf::FieldLocation add_length(std::string_view name) {
    const std::string length = "_" + std::string(name) + "_length";
    integer(length, 32);
    return {.origin = ctf::Scope::kCommonContext, .path = {length}};
  }

  ctf::Structure structure_;
};

void append_sequence(std::span<const std::byte> integers, ctf::ByteOrder order,
                     std::vector<std::byte>* out) {
  append_integer(integers.size() / 8, 4, out);
  for (std::size_t at = 0; at < integers.size(); at += 8)
    append_integer(load_integer(integers.data() + at, 8, order), 8, out);
}

void append_bytes(std::span<const std::byte> bytes, std::vector<std::byte>* out) {
  append_integer(bytes.size(), 4, out);
  out->insert(out->end(), bytes.begin(), bytes.end());
}

// The members of `u64 nr; u64 rows[nr][width]`, column by column.
void append_columns(std::span<const std::byte> rows, std::size_t width, ctf::ByteOrder order,
                    std::vector<std::byte>* out) {
  for (std::size_t column = 0; column < width; ++column) {
    append_integer(rows.size() / 8 / width, 4, out);
    for (std::size_t at = column * 8; at < rows.size(); at += width * 8)
      append_integer(load_integer(rows.data() + at, 8, order), 8, out);
  }
}

void append_callchain(std::span<const std::byte> addresses, ctf::ByteOrder order,
                      std::vector<std::byte>* out) {
  const auto append_kind = [&](bool is_user_wanted) {
    const std::size_t length_at = out->size();
    append_integer(0, 4, out);
    bool is_user = true;  // without a marker, as old kernels had it
    std::uint32_t count = 0;
    for (std::size_t at = 0; at < addresses.size(); at += 8) {
      const std::uint64_t address = load_integer(addresses.data() + at, 8, order);
      if (address >= kFirstMarker) {
        is_user = address != kKernelMarker && address != kHypervisorMarker;
        // Guests' markers are kept among the others: LTTng has no name for them.
        if (address == kKernelMarker || address == kUserMarker || address == kHypervisorMarker)
          continue;
      }
      if (is_user != is_user_wanted) continue;
      append_integer(address, 8, out);
      ++count;
    }
    std::vector<std::byte> length;
    append_integer(count, 4, &length);
    std::copy(length.begin(), length.end(), out->begin() + static_cast<std::ptrdiff_t>(length_at));
  };
  append_kind(false);
  append_kind(true);
}

std::size_t read_columns(std::uint64_t format) {
  return 1 + ((format & kReadId) != 0 ? 1 : 0) + ((format & kLost) != 0 ? 1 : 0);
}

void add_read_fields(std::uint64_t format, ClassBuilder* builder) {
  if ((format & kTimeEnabled) != 0) builder->integer("perf_time_enabled", 64);
  if ((format & kTimeRunning) != 0) builder->integer("perf_time_running", 64);
  builder->sequence("perf_read_value", false);
  if ((format & kReadId) != 0) builder->sequence("perf_read_id", false);
  if ((format & kLost) != 0) builder->sequence("perf_read_lost", false);
}

void append_read(std::uint64_t format, RecordCursor* cursor, std::vector<std::byte>* out) {
  const bool is_group = (format & kGroup) != 0;
  std::uint64_t count = 1;
  std::span<const std::byte> first;
  if (is_group)
    count = cursor->u64();
  else
    first = cursor->take(8);
  if ((format & kTimeEnabled) != 0) append_integer(cursor->u64(), 8, out);
  if ((format & kTimeRunning) != 0) append_integer(cursor->u64(), 8, out);
  const std::size_t columns = read_columns(format);
  if (is_group) {
    if (count > cursor->left()) count = cursor->left();  // too many in any case
    append_columns(cursor->take_u64s(count * columns), columns, cursor->order(), out);
    return;
  }
  append_sequence(first, cursor->order(), out);
  for (std::size_t column = 1; column < columns; ++column)
    append_sequence(cursor->take(8), cursor->order(), out);
}

void append_registers(std::uint64_t mask, RecordCursor* cursor, std::vector<std::byte>* out) {
  const std::uint64_t abi = cursor->u64();
  append_integer(abi, 8, out);
  const std::uint64_t count = abi == 0 ? 0 : static_cast<std::uint64_t>(std::popcount(mask));
  append_sequence(cursor->take_u64s(count), cursor->order(), out);
}

// What one u64 of a sample is, in the order in which they stand behind the stack.
constexpr std::array<PlainField, 2> kMiddleFields{
    {{kSampleDataSrc, "perf_data_src", true}, {kSampleTransaction, "perf_transaction", true}}};
constexpr std::array<PlainField, 4> kLastFields{
    {{kSamplePhysAddr, "perf_phys_addr", true},
     {kSampleCgroup, "perf_cgroup", false},
     {kSampleDataPageSize, "perf_data_page_size", false},
     {kSampleCodePageSize, "perf_code_page_size", false}}};

}  // namespace

std::optional<PerfIdentity> identify_sample(const PerfFile& file,
                                            std::span<const std::byte> content) {
  if (file.attrs.empty()) return std::nullopt;
  PerfIdentity found;
  // All events of a file have the id at the same place: perf sees to it.
  const PerfAttr& first = file.attrs.front();
  RecordCursor id_cursor(content, file.order);
  std::uint64_t id = 0;
  if (first.has(kSampleIdentifier)) {
    id = id_cursor.u64();
  } else if (first.has(kSampleId)) {
    for (const SampleBit bit : {kSampleIp, kSampleTid, kSampleTime, kSampleAddr})
      if (first.has(bit)) id_cursor.skip(8);
    id = id_cursor.u64();
  }
  const bool has_id = first.has(kSampleIdentifier) || first.has(kSampleId);
  found.attr = has_id ? file.find(id) : &first;
  if (found.attr == nullptr || !id_cursor.ok()) return std::nullopt;

  const PerfAttr& attr = *found.attr;
  RecordCursor cursor(content, file.order);
  if (attr.has(kSampleIdentifier)) cursor.skip(8);
  if (attr.has(kSampleIp)) cursor.skip(8);
  if (attr.has(kSampleTid)) {
    found.pid = cursor.s32();
    found.tid = cursor.s32();
  }
  if (attr.has(kSampleTime)) found.time = cursor.u64();
  for (const SampleBit bit : {kSampleAddr, kSampleId, kSampleStreamId})
    if (attr.has(bit)) cursor.skip(8);
  if (attr.has(kSampleCpu)) {
    found.cpu = cursor.u32();
    cursor.skip(4);
  }
  if (!cursor.ok()) return std::nullopt;
  return found;
}

TrailingIdentity identify_record(const PerfFile& file, std::span<const std::byte> content) {
  TrailingIdentity trailing;
  if (file.attrs.empty()) return trailing;
  const PerfAttr* attr = &file.attrs.front();
  if (attr->has(kSampleIdentifier) && content.size() >= 8) {
    const PerfAttr* named = file.find(load_integer(&content[content.size() - 8], 8, file.order));
    if (named != nullptr) attr = named;
  }
  trailing.identity.attr = attr;
  if (!attr->sample_id_all) return trailing;
  for (const SampleBit bit :
       {kSampleTid, kSampleTime, kSampleId, kSampleStreamId, kSampleCpu, kSampleIdentifier})
    if (attr->has(bit)) trailing.bytes += 8;
  if (trailing.bytes > content.size()) {
    trailing.bytes = 0;
    return trailing;
  }
  RecordCursor cursor(content.last(trailing.bytes), file.order);
  if (attr->has(kSampleTid)) {
    trailing.identity.pid = cursor.s32();
    trailing.identity.tid = cursor.s32();
  }
  if (attr->has(kSampleTime)) trailing.identity.time = cursor.u64();
  if (attr->has(kSampleId)) cursor.skip(8);
  if (attr->has(kSampleStreamId)) cursor.skip(8);
  if (attr->has(kSampleCpu)) trailing.identity.cpu = cursor.u32();
  return trailing;
}

ctf::FieldClassRef sample_contexts(const PerfAttr& attr) {
  ClassBuilder builder(task_contexts(true));
  if (attr.has(kSampleIp)) builder.integer("perf_ip", 64, true);
  if (attr.has(kSampleAddr)) builder.integer("perf_addr", 64, true);
  if (attr.has(kSamplePeriod)) builder.integer("perf_period", 64);
  if (attr.has(kSampleRead)) add_read_fields(attr.read_format, &builder);
  if (attr.has(kSampleCallchain)) {
    builder.sequence("callstack_kernel", true);
    builder.sequence("callstack_user", true);
  }
  if (attr.has(kSampleBranchStack)) {
    builder.sequence("perf_branch_from", true);
    builder.sequence("perf_branch_to", true);
    builder.sequence("perf_branch_flags", true);
  }
  if (attr.has(kSampleRegsUser)) {
    builder.integer("perf_regs_user_abi", 64);
    builder.sequence("perf_regs_user", true);
  }
  if (attr.has(kSampleStackUser)) builder.bytes("perf_stack_user");
  if (attr.has(kSampleWeightStruct)) {
    builder.integer("perf_weight", 32);
    builder.integer("perf_weight2", 16);
    builder.integer("perf_weight3", 16);
  } else if (attr.has(kSampleWeight)) {
    builder.integer("perf_weight", 64);
  }
  for (const PlainField& field : kMiddleFields)
    if (attr.has(field.bit)) builder.integer(field.name, 64, field.is_hexadecimal);
  if (attr.has(kSampleRegsIntr)) {
    builder.integer("perf_regs_intr_abi", 64);
    builder.sequence("perf_regs_intr", true);
  }
  for (const PlainField& field : kLastFields)
    if (attr.has(field.bit)) builder.integer(field.name, 64, field.is_hexadecimal);
  if (attr.has(kSampleAux)) builder.bytes("perf_aux");
  return builder.take();
}

bool have_same_contexts(const PerfAttr& a, const PerfAttr& b) {
  return a.sample_type == b.sample_type && a.read_format == b.read_format &&
         a.branch_sample_type == b.branch_sample_type && a.regs_user == b.regs_user &&
         a.regs_intr == b.regs_intr;
}

std::optional<std::span<const std::byte>> append_sample(const PerfAttr& attr,
                                                        std::span<const std::byte> content,
                                                        ctf::ByteOrder order,
                                                        std::vector<std::byte>* out) {
  const std::size_t before = out->size();
  RecordCursor cursor(content, order);
  std::span<const std::byte> raw;
  const auto append_u64 = [&] { append_integer(cursor.u64(), 8, out); };
  if (attr.has(kSampleIdentifier)) cursor.skip(8);
  if (attr.has(kSampleIp)) append_u64();
  if (attr.has(kSampleTid)) cursor.skip(8);
  if (attr.has(kSampleTime)) cursor.skip(8);
  if (attr.has(kSampleAddr)) append_u64();
  for (const SampleBit bit : {kSampleId, kSampleStreamId, kSampleCpu})
    if (attr.has(bit)) cursor.skip(8);
  if (attr.has(kSamplePeriod)) append_u64();
  if (attr.has(kSampleRead)) append_read(attr.read_format, &cursor, out);
  if (attr.has(kSampleCallchain)) {
    const std::uint64_t count = cursor.u64();
    append_callchain(cursor.take_u64s(count), order, out);
  }
  if (attr.has(kSampleRaw)) {
    const std::uint32_t size = cursor.u32();
    raw = cursor.take(size);
  }
  if (attr.has(kSampleBranchStack)) {
    const std::uint64_t count = cursor.u64();
    if ((attr.branch_sample_type & kBranchHwIndex) != 0) cursor.skip(8);
    constexpr std::size_t kColumns = 3;
    append_columns(cursor.take_u64s(std::min<std::uint64_t>(count, content.size()) * kColumns),
                   kColumns, order, out);
  }
  if (attr.has(kSampleRegsUser)) append_registers(attr.regs_user, &cursor, out);
  if (attr.has(kSampleStackUser)) {
    const std::uint64_t size = cursor.u64();
    const auto stack = cursor.take(size);
    // How much of it was in use stands behind it, if there is any.
    const std::uint64_t used = size == 0 ? 0 : cursor.u64();
    append_bytes(stack.first(std::min<std::uint64_t>(used, stack.size())), out);
  }
  if (attr.has(kSampleWeightStruct)) {
    const std::uint64_t weight = cursor.u64();
    append_integer(weight, 4, out);
    append_integer(weight >> 32, 2, out);
    append_integer(weight >> 48, 2, out);
  } else if (attr.has(kSampleWeight)) {
    append_u64();
  }
  for (const PlainField& field : kMiddleFields)
    if (attr.has(field.bit)) append_u64();
  if (attr.has(kSampleRegsIntr)) append_registers(attr.regs_intr, &cursor, out);
  for (const PlainField& field : kLastFields)
    if (attr.has(field.bit)) append_u64();
  if (attr.has(kSampleAux)) {
    const std::uint64_t size = cursor.u64();
    append_bytes(cursor.take(size), out);
  }
  if (!cursor.ok()) {
    out->resize(before);
    return std::nullopt;
  }
  return raw;
}

}  // namespace sillage::import
