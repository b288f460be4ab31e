// SPDX-License-Identifier: MIT
#include "sillaged/chunk_state.hpp"

namespace sillage::daemon {

v1::Chunks chunks_of(const session::Rotation::Progress& progress) {
  v1::Chunks chunks;
  if (progress.begin) chunks.set_begin(*progress.begin);
  chunks.set_was_started(progress.was_started);
  chunks.set_has_archives(progress.has_archives);
  chunks.set_next_id(progress.next_id);
  return chunks;
}

session::Rotation::Progress progress_of(const v1::Chunks& chunks) {
  session::Rotation::Progress progress;
  if (chunks.has_begin()) progress.begin = chunks.begin();
  progress.was_started = chunks.was_started();
  progress.has_archives = chunks.has_archives();
  progress.next_id = chunks.next_id();
  return progress;
}

}  // namespace sillage::daemon
