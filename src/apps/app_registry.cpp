// SPDX-License-Identifier: MIT
#include "apps/app_registry.hpp"

#include "apps/proc_files.hpp"

#include <sys/random.h>

#include <algorithm>
#include <utility>

namespace sillage::apps {
namespace {

/// Where tokens start: programs keep those of a daemon that died, which must not be somebody else's here.
std::uint64_t random_start() {
  std::uint64_t start = 0;
  if (getrandom(&start, sizeof start, 0) != sizeof start)
    start = reinterpret_cast<std::uintptr_t>(&start);
  return (start >> 1) + 1;
}

}  // namespace

AppRegistry::AppRegistry(const Limits& limits) : limits_(limits), next_token_(random_start()) {}

void AppRegistry::remember(pid_t pid, std::uint64_t start_ticks, std::uint32_t registration) {
  remembered_[pid] = {start_ticks, registration};
  last_registration_ = std::max(last_registration_, registration);
}

std::uint32_t AppRegistry::registration_of(pid_t pid) {
  if (const auto known = remembered_.extract(pid)) {
    const auto facts = process_facts(pid);
    if (facts && facts->start_ticks == known.mapped().start_ticks)
      return known.mapped().registration;
  }
  return ++last_registration_;
}

Result<Process*> AppRegistry::add_process(Peer peer) {
  if (Process* known = find_process(peer.pid)) {
    if (is_alive(known->pidfd)) return known;
    remove_process(peer.pid);
  }
  if (processes_.size() >= limits_.images) {
    return fail(Code::kLimit,
                "too many programs are registered: " + std::to_string(processes_.size()));
  }
  Process process;
  process.pid = peer.pid;
  process.uid = peer.uid;
  process.vpid = static_cast<std::uint32_t>(peer.pid);
  process.registration = registration_of(peer.pid);
  process.pidfd = std::move(peer.pidfd);
  return &processes_.emplace(peer.pid, std::move(process)).first->second;
}

Result<Image*> AppRegistry::add_image(Process* process, const Fd& image) {
  UserTotals& totals = totals_[process->uid];
  if (images_.size() >= limits_.images || totals.images >= limits_.images_per_uid ||
      process->images.size() >= limits_.images_per_process) {
    return fail(Code::kLimit, "process " + std::to_string(process->pid) +
                                  " or its user has too many objects " +
                                  "with tracepoints registered");
  }
  auto control = ImageControl::open(image, limits_);
  if (!control) return tl::unexpected<Error>(std::move(control).error());
  if (auto known = tokens_.find(control->inode()); known != tokens_.end()) {
    Image* existing = &images_.at(known->second);
    if (existing->process == process) return existing;
    return fail(Code::kAlreadyExists, "an image of process " +
                                          std::to_string(existing->process->pid) +
                                          " came from process " + std::to_string(process->pid));
  }
  if (totals.bytes + control->image_bytes() > limits_.bytes_per_uid) {
    return fail(Code::kLimit, "the catalogues of user " + std::to_string(process->uid) +
                                  "'s programs take too much memory");
  }
  totals.images += 1;
  totals.bytes += control->image_bytes();
  const std::uint64_t token = next_token_++;
  tokens_.emplace(control->inode(), token);
  process->images.push_back(token);
  return &images_.emplace(token, Image{token, process, *std::move(control), 0}).first->second;
}

Image* AppRegistry::find_image(std::uint64_t token) {
  auto found = images_.find(token);
  return found == images_.end() ? nullptr : &found->second;
}

Process* AppRegistry::find_process(pid_t pid) {
  auto found = processes_.find(pid);
  return found == processes_.end() ? nullptr : &found->second;
}

void AppRegistry::remove_image(std::uint64_t token) {
  auto found = images_.find(token);
  if (found == images_.end()) return;
  Image& image = found->second;
  std::erase(image.process->images, token);
  auto totals = totals_.find(image.process->uid);
  totals->second.images -= 1;
  totals->second.bytes -= image.control.image_bytes();
  if (totals->second.images == 0) totals_.erase(totals);
  tokens_.erase(image.control.inode());
  images_.erase(found);
}

void AppRegistry::remove_process(pid_t pid) {
  auto found = processes_.find(pid);
  if (found == processes_.end()) return;
  while (!found->second.images.empty()) remove_image(found->second.images.back());
  processes_.erase(found);
}

bool AppRegistry::is_any_behind() const {
  return std::any_of(images_.begin(), images_.end(), [](const auto& entry) {
    return !entry.second.is_late && entry.second.control.is_behind();
  });
}

void AppRegistry::give_up_waiting() {
  for (auto& [token, image] : images_) image.is_late = image.is_late || image.control.is_behind();
}

void AppRegistry::for_each_image(const std::function<void(Image&)>& visit) {
  for (auto& [token, image] : images_) visit(image);
}

void AppRegistry::for_each_process(const std::function<void(const Process&)>& visit) const {
  for (const auto& [pid, process] : processes_) visit(process);
}

}  // namespace sillage::apps
