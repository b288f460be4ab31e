// SPDX-License-Identifier: MIT
#include "cache.hpp"

#include <sillage/tracepoint.h>

#include <algorithm>
#include <functional>

namespace kv {
namespace {

/// An integer gets labels where it is recorded: the third form of an enumeration.
constexpr sillage_label kReasons[] = {SILLAGE_LABEL(0, "no room"), SILLAGE_LABEL(1, "too old")};
constexpr int kNoRoom = 0, kTooOld = 1;

}  // namespace

Cache::Cache(std::size_t capacity, std::chrono::milliseconds lifetime)
    : capacity_per_shard_(std::max<std::size_t>(capacity / kShards, 1)), lifetime_(lifetime) {}

std::size_t Cache::shard_of(std::string_view key) const {
  const std::size_t hash = std::hash<std::string_view>()(key);
  const std::size_t shard = hash % kShards;
  // The hash in hexadecimal. The length is not recorded: filters of recordings may use it.
  SILLAGE_TRACEPOINT(kv, hash, DEBUG_FUNCTION, sillage_hex(hash, hash), sillage_field(shard, shard),
                     sillage_nowrite(sillage_field(key_bytes, key.size())));
  return shard;
}

std::unique_lock<std::mutex> Cache::lock(std::size_t shard) {
  std::unique_lock<std::mutex> lock(shards_[shard].mutex, std::try_to_lock);
  if (!lock.owns_lock()) {
    SILLAGE_TRACEPOINT(kv, lock_wait_begin, DEBUG_MODULE, sillage_field(shard, shard));
    lock.lock();
    SILLAGE_TRACEPOINT(kv, lock_wait_end, DEBUG_MODULE, sillage_field(shard, shard));
  }
  return lock;
}

void Cache::drop(Shard& shard, std::list<Entry>::iterator entry) {
  shard.by_key.erase(entry->key);
  shard.by_use.erase(entry);
}

std::optional<std::string> Cache::get(std::string_view key) {
  const std::size_t index = shard_of(key);
  auto guard = lock(index);
  Shard& shard = shards_[index];
  auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return std::nullopt;
  const auto entry = found->second;
  const std::chrono::duration<double, std::milli> age = Clock::now() - entry->stored;
  if (age > lifetime_) {
    SILLAGE_TRACEPOINT(kv, evict, NOTICE, sillage_field(key, key),
                       sillage_enum(reason, kTooOld, kReasons), sillage_field(age_ms, age.count()));
    drop(shard, entry);
    return std::nullopt;
  }
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, entry);
  return entry->value;
}

void Cache::set(std::string_view key, std::string_view value) {
  const std::size_t index = shard_of(key);
  auto guard = lock(index);
  Shard& shard = shards_[index];
  if (auto found = shard.by_key.find(key); found != shard.by_key.end()) drop(shard, found->second);
  if (shard.by_use.size() >= capacity_per_shard_) {
    const auto oldest = std::prev(shard.by_use.end());
    const std::chrono::duration<double, std::milli> age = Clock::now() - oldest->stored;
    SILLAGE_TRACEPOINT(kv, evict, NOTICE, sillage_field(key, oldest->key),
                       sillage_enum(reason, kNoRoom, kReasons), sillage_field(age_ms, age.count()));
    drop(shard, oldest);
  }
  shard.by_use.push_front({std::string(key), std::string(value), Clock::now()});
  shard.by_key.emplace(shard.by_use.front().key, shard.by_use.begin());
}

bool Cache::erase(std::string_view key) {
  const std::size_t index = shard_of(key);
  auto guard = lock(index);
  auto found = shards_[index].by_key.find(key);
  if (found == shards_[index].by_key.end()) return false;
  drop(shards_[index], found->second);
  return true;
}

std::uint32_t Cache::count_with_prefix(std::string_view prefix) {
  std::uint32_t count = 0;
  for (std::size_t index = 0; index < kShards; ++index) {
    auto guard = lock(index);
    for (const Entry& entry : shards_[index].by_use) count += entry.key.starts_with(prefix) ? 1 : 0;
  }
  return count;
}

std::vector<std::uint32_t> Cache::entries_per_shard() {
  std::vector<std::uint32_t> counts;
  for (std::size_t index = 0; index < kShards; ++index) {
    auto guard = lock(index);
    counts.push_back(static_cast<std::uint32_t>(shards_[index].by_use.size()));
  }
  return counts;
}

}  // namespace kv
