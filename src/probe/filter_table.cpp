// SPDX-License-Identifier: MIT
#include "probe/filter_table.hpp"

#include "probe/process.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace sillage::probe {
namespace {

/// A program that came once, and what became of it.
struct Known {
  Known* next;
  const Filter* filter;  // nullptr: it breaks a rule
  const char* program;   // our copy
  std::uint32_t bytes;
};

constexpr std::uint32_t kBuckets = 256;
Known* g_known[kBuckets];
std::uint64_t g_known_bytes;

std::uint32_t bucket_of(const char* program, std::uint32_t bytes) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a, by words
  for (std::uint32_t at = 0; at + 8 <= bytes; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, program + at, 8);
    hash = (hash ^ word) * 0x100000001b3u;
  }
  return static_cast<std::uint32_t>(hash >> 56) % kBuckets;
}

Known* add(const char* program, std::uint32_t bytes) {
  const std::uint64_t decoded = decoded_filter_bytes(program, bytes);
  const std::uint64_t total = sizeof(Known) + bytes + decoded;
  if (total > kMaxFilterBytes - g_known_bytes) return nullptr;
  auto* known = static_cast<Known*>(allocate(sizeof(Known), false));
  auto* copy = static_cast<char*>(allocate(bytes, false));
  void* memory = decoded == 0 ? nullptr : allocate(static_cast<std::size_t>(decoded), false);
  if (known == nullptr || copy == nullptr || (decoded != 0 && memory == nullptr)) return nullptr;
  std::memcpy(copy, program, bytes);
  g_known_bytes += total;
  // From our copy, so that what is checked is what is run.
  *known = {nullptr, memory == nullptr ? nullptr : decode_filter(copy, bytes, memory), copy, bytes};
  return known;
}

}  // namespace

FilterTable map_filters(int fd) {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  const int seals = fcntl(fd, F_GET_SEALS);
  const off_t size = lseek(fd, 0, SEEK_END);
  if (seals < 0 || (seals & kNeeded) != kNeeded ||
      size < static_cast<off_t>(sizeof(sillage_filter_table)) ||
      size > static_cast<off_t>(SILLAGE_FILTER_MAX_TABLE_BYTES))
    return {};
  const auto bytes = static_cast<std::uint32_t>(size);
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return {};
  FilterTable table = {static_cast<const char*>(memory), bytes, 0};
  sillage_filter_table head;
  std::memcpy(&head, memory, sizeof head);
  if (head.magic == SILLAGE_FILTER_MAGIC && head.abi_major == SILLAGE_FILTER_ABI_MAJOR &&
      head.bytes <= bytes && head.site_count <= (bytes - sizeof head) / sizeof(std::uint32_t)) {
    table.site_count = head.site_count;
    return table;
  }
  unmap_filters(table);
  return {};
}

void unmap_filters(const FilterTable& table) {
  if (table.data != nullptr) munmap(const_cast<char*>(table.data), table.bytes);
}

SiteFilter find_filter(const FilterTable& table, std::uint32_t site) {
  if (site >= table.site_count) return {false, nullptr};
  std::uint32_t offset;
  std::memcpy(&offset, table.data + sizeof(sillage_filter_table) + site * sizeof offset,
              sizeof offset);
  if (offset == 0) return {true, nullptr};
  sillage_filter_program head;
  if (offset % 8 != 0 || offset > table.bytes || table.bytes - offset < sizeof head)
    return {false, nullptr};
  const char* program = table.data + offset;
  std::memcpy(&head, program, sizeof head);
  if (head.bytes < sizeof head || head.bytes % 8 != 0 || head.bytes > table.bytes - offset)
    return {false, nullptr};
  Known** bucket = &g_known[bucket_of(program, head.bytes)];
  for (const Known* known = *bucket; known != nullptr; known = known->next) {
    if (known->bytes == head.bytes && std::memcmp(known->program, program, head.bytes) == 0)
      return {known->filter != nullptr, known->filter};
  }
  Known* known = add(program, head.bytes);
  if (known == nullptr) return {false, nullptr};
  known->next = *bucket;
  *bucket = known;
  return {known->filter != nullptr, known->filter};
}

}  // namespace sillage::probe
