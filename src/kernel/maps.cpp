// SPDX-License-Identifier: MIT
#include "kernel/maps.hpp"

#include <bpf/bpf.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace sillage::kernel {
namespace {

// Before Linux 5.11 the memory of maps counts as locked memory of the process.
void lift_memory_lock_limit() {
  const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
  (void)::setrlimit(RLIMIT_MEMLOCK, &unlimited);
}

Result<Fd> create(bpf_map_type type, const char* name, std::uint32_t key_bytes,
                  std::uint64_t value_bytes, std::uint32_t entries, std::uint32_t flags) {
  const std::string what = "cannot make a BPF map of " + std::to_string(entries) + " x " +
                           std::to_string(value_bytes) + " bytes (" + name + ")";
  if (value_bytes > INT32_MAX)
    return fail(Code::kLimit, what + ": use smaller or fewer sub-buffers");
  lift_memory_lock_limit();
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.map_flags = flags;
  Fd fd(::bpf_map_create(type, name, key_bytes, static_cast<std::uint32_t>(value_bytes), entries,
                         &options));
  if (fd) return fd;
  if (errno == EPERM)
    return fail(Code::kPermission, what + ": run as root, or with CAP_BPF and CAP_PERFMON");
  return fail_errno(what);
}

Status set_only_value(int map_fd, const void* value) {
  const std::uint32_t key = 0;
  if (::bpf_map_update_elem(map_fd, &key, value, BPF_ANY) != 0)
    return fail_errno("cannot set what programs read");
  return {};
}

}  // namespace

Result<Fd> create_ring_map(std::uint64_t stream_bytes, std::uint32_t cpu_count) {
  return create(BPF_MAP_TYPE_ARRAY, "sillage_ring", 4, stream_bytes, cpu_count, BPF_F_MMAPABLE);
}

Result<Fd> create_reader_map(std::uint64_t bytes) {
  // Values are whole words.
  return create(BPF_MAP_TYPE_ARRAY, "sillage_reader", 4, (bytes + 7) / 8 * 8, 1, BPF_F_MMAPABLE);
}

Result<Fd> create_scratch_map(std::uint32_t cpu_count) {
  return create(BPF_MAP_TYPE_ARRAY, "sillage_scratch", 4, kScratchBytes, cpu_count * kScratchAreas,
                0);
}

Result<Fd> create_wakeup_map() {
  return create(BPF_MAP_TYPE_RINGBUF, "sillage_wakeup", 0, 0,
                static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE)), 0);
}

Result<Fd> create_address_map(std::uint32_t cpu_count) {
  return create(BPF_MAP_TYPE_ARRAY, "sillage_current", 4, std::uint64_t{8} * cpu_count, 1, 0);
}

Result<Fd> create_number_map(std::uint32_t value) {
  auto map = create(BPF_MAP_TYPE_ARRAY, "sillage_number", 4, 4, 1, 0);
  if (map) SILLAGE_TRY(set_number(map->value(), value));
  return map;
}

Status set_number(int map_fd, std::uint32_t value) { return set_only_value(map_fd, &value); }

Result<Fd> create_flags_map(std::uint32_t count) {
  return create(BPF_MAP_TYPE_ARRAY, "sillage_flags", 4, count, 1, 0);
}

Status set_flags(int map_fd, std::span<const std::uint8_t> flags) {
  return set_only_value(map_fd, flags.data());
}

Result<Fd> create_tally_map(std::size_t count) {
  return create(BPF_MAP_TYPE_ARRAY, "sillage_tally", 4, 8 * count, 1, 0);
}

Status read_tallies(int map_fd, std::span<std::uint64_t> tallies) {
  const std::uint32_t key = 0;
  if (::bpf_map_lookup_elem(map_fd, &key, tallies.data()) != 0)
    return fail_errno("cannot read what programs counted");
  return {};
}

Result<MapShape> map_shape(int map_fd) {
  bpf_map_info info{};
  std::uint32_t bytes = sizeof info;
  if (::bpf_obj_get_info_by_fd(map_fd, &info, &bytes) != 0)
    return fail_errno("cannot ask for the size of a BPF map");
  return MapShape{info.value_size, info.max_entries};
}

Result<int> SetMaps::find(const std::vector<std::int64_t>& values) {
  for (const Set& set : sets_)
    if (set.values == values) return set.map.value();
  auto map =
      create(BPF_MAP_TYPE_HASH, "sillage_set", 8, 1, static_cast<std::uint32_t>(values.size()), 0);
  if (!map) return tl::unexpected(std::move(map).error());
  constexpr std::uint8_t kIsIn = 1;
  for (const std::int64_t each : values)
    if (::bpf_map_update_elem(map->value(), &each, &kIsIn, BPF_ANY) != 0)
      return fail_errno("cannot enter a number into a set for programs");
  if (sets_.size() == kKept) sets_.erase(sets_.begin());
  sets_.push_back({values, std::move(*map)});
  return sets_.back().map.value();
}

Result<Fd> create_program_table(std::uint32_t count) {
  return create(BPF_MAP_TYPE_PROG_ARRAY, "sillage_table", 4, 4, count, 0);
}

Status set_program(int table_fd, std::uint32_t number, int program_fd) {
  if (::bpf_map_update_elem(table_fd, &number, &program_fd, BPF_ANY) != 0)
    return fail_errno("cannot enter a program into a table of programs");
  return {};
}

void clear_program(int table_fd, std::uint32_t index) {
  (void)::bpf_map_delete_elem(table_fd, &index);
}

Result<Fd> create_counter_map(std::uint32_t cpu_count) {
  return create(BPF_MAP_TYPE_PERF_EVENT_ARRAY, "sillage_counter", 4, 4, cpu_count,
                BPF_F_PRESERVE_ELEMS);
}

Status set_counter(int table_fd, std::uint32_t cpu, int counter_fd) {
  if (::bpf_map_update_elem(table_fd, &cpu, &counter_fd, BPF_ANY) != 0)
    return fail_errno("cannot let programs read a counter of perf");
  return {};
}

}  // namespace sillage::kernel
