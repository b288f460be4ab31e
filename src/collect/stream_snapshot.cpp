// SPDX-License-Identifier: MIT
#include "collect/stream_snapshot.hpp"

#include <algorithm>
#include <cstring>

namespace sillage::collect {
namespace {

// Leaves out the oldest runs.
void forget(std::vector<ring::Run>* runs, std::size_t count, std::uint64_t* forgotten) {
  for (std::size_t i = 0; i < count; ++i) *forgotten += 1 + (*runs)[i].skipped_subbufs;
  runs->erase(runs->begin(), runs->begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace

std::vector<ring::Run> take_snapshot(StreamRecorder& stream, Nanoseconds until,
                                     std::size_t max_runs, std::uint64_t subbuf_bytes,
                                     std::span<std::byte> memory) {
  std::vector<ring::Run> runs;
  std::uint64_t forgotten = 0;
  std::size_t used = 0;
  while (memory.size() - used >= subbuf_bytes) {
    auto run = stream.next_run(memory.subspan(used), true);
    // Begun later: enough, unless all that was there before has been written over meanwhile.
    if (!run || (run->begin_ns > until.value && !runs.empty())) break;
    if (run->skipped_subbufs != 0 && !runs.empty()) {
      forget(&runs, runs.size(), &forgotten);
      std::memmove(memory.data(), run->bytes.data(), run->bytes.size());
      run->bytes = memory.first(run->bytes.size());
      used = 0;
    }
    used += run->bytes.size();
    runs.push_back(*run);
    if (!run->closed || run->end_ns >= until.value) break;
  }
  if (runs.size() > max_runs) forget(&runs, runs.size() - max_runs, &forgotten);
  if (!runs.empty()) runs.front().skipped_subbufs += forgotten;
  return runs;
}

}  // namespace sillage::collect
