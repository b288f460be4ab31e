// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace kv {

/// Keys and values in memory: the least recently used go when there are too many, all go when they are too old.
///
/// Threads: any; a key belongs to one of kShards, each with a lock of its own.
class Cache {
 public:
  static constexpr std::size_t kShards = 4;

  Cache(std::size_t capacity, std::chrono::milliseconds lifetime);

  std::optional<std::string> get(std::string_view key);
  void set(std::string_view key, std::string_view value);
  bool erase(std::string_view key);
  /// Looks at every key, so it is slow, and everybody else waits for the shard it is at.
  std::uint32_t count_with_prefix(std::string_view prefix);
  /// Takes every lock.
  std::vector<std::uint32_t> entries_per_shard();

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::string key, value;
    Clock::time_point stored;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> by_use;  // most recent first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
  };

  std::size_t shard_of(std::string_view key) const;
  std::unique_lock<std::mutex> lock(std::size_t shard);
  static void drop(Shard& shard, std::list<Entry>::iterator entry);

  const std::size_t capacity_per_shard_;
  const std::chrono::milliseconds lifetime_;
  std::array<Shard, kShards> shards_;
};

}  // namespace kv
