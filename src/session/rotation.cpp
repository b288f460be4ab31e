// SPDX-License-Identifier: MIT
#include "session/rotation.hpp"

namespace sillage::session {

void Rotation::start(const std::string& datetime) {
  progress_.was_started = true;
  if (!progress_.begin) progress_.begin = datetime;
}

Result<std::string> Rotation::archive(const std::string& datetime) const {
  if (!progress_.was_started) return fail(Code::kNotReady, "Session needs to be started once");
  if (!progress_.begin)
    return fail(Code::kAlreadyExists, "Session was already rotated once since it became inactive");
  return "archives/" + *progress_.begin + "-" + datetime + "-" + std::to_string(progress_.next_id);
}

void Rotation::archived(const std::string& datetime, bool is_active) {
  ++progress_.next_id;
  progress_.has_archives = true;
  progress_.begin = is_active ? std::optional(datetime) : std::nullopt;
}

void Rotation::cleared(const std::string& datetime) {
  if (!progress_.begin) return;
  ++progress_.next_id;
  progress_.begin = datetime;
}

Status Rotation::schedule(Nanoseconds period) {
  if (period.value == 0)
    return fail(Code::kInvalidArgument, "a rotation's period must be more than 0");
  if (period_) return fail(Code::kAlreadyExists, "A periodic rotation schedule is already set");
  period_ = period;
  return {};
}

Status Rotation::schedule(ByteCount size) {
  if (size.value == 0) return fail(Code::kInvalidArgument, "a chunk's size must be more than 0");
  if (size_) return fail(Code::kAlreadyExists, "A size-based rotation schedule is already set");
  size_ = size;
  return {};
}

Status Rotation::cancel_period() {
  if (!period_) return fail(Code::kNotFound, "No periodic rotation schedule active");
  period_.reset();
  return {};
}

Status Rotation::cancel_size() {
  if (!size_) return fail(Code::kNotFound, "No size-based rotation schedule active");
  size_.reset();
  return {};
}

}  // namespace sillage::session
