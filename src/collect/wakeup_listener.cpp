// SPDX-License-Identifier: MIT
#include "collect/wakeup_listener.hpp"

#include "collect/quiet_thread.hpp"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace sillage::collect {
namespace {

// What a record that is posted but not whole yet is left alone for.
constexpr timespec kPause{0, 1'000'000};

Result<std::size_t> ring_bytes_of(int map) {
  bpf_map_info info{};
  bpf_attr attr{};
  attr.info.bpf_fd = static_cast<std::uint32_t>(map);
  attr.info.info_len = sizeof info;
  attr.info.info = reinterpret_cast<std::uintptr_t>(&info);
  if (::syscall(SYS_bpf, BPF_OBJ_GET_INFO_BY_FD, &attr, sizeof attr) != 0)
    return fail_errno("asking for the size of the kernel's wake-up buffer");
  if (info.type != BPF_MAP_TYPE_RINGBUF)
    return fail(Code::kInvalidArgument, "wake-ups of a kernel channel need a BPF ring buffer");
  return info.max_entries;
}

}  // namespace

Result<std::unique_ptr<WakeupListener>> WakeupListener::create(Fd map, Bell& bell) {
  const auto ring_bytes = ring_bytes_of(map.value());
  if (!ring_bytes) return tl::unexpected(ring_bytes.error());
  Fd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return fail_errno("eventfd for a kernel channel");
  std::unique_ptr<WakeupListener> made(new WakeupListener(std::move(map), std::move(stop), bell));
  SILLAGE_TRY(made->map_memory(*ring_bytes));
  made->thread_ = start_without_signals([listener = made.get()] { listener->run(); });
  return made;
}

Status WakeupListener::map_memory(std::size_t ring_bytes) {
  page_bytes_ = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  ring_bytes_ = ring_bytes;
  // The layout is the kernel's (kernel/bpf/ringbuf.c): only the first page may be written.
  void* consumer =
      ::mmap(nullptr, page_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, map_.value(), 0);
  if (consumer == MAP_FAILED) return fail_errno("mapping the kernel's wake-up buffer");
  consumer_ = static_cast<std::byte*>(consumer);
  void* producer = ::mmap(nullptr, page_bytes_ + 2 * ring_bytes_, PROT_READ, MAP_SHARED,
                          map_.value(), static_cast<off_t>(page_bytes_));
  if (producer == MAP_FAILED) return fail_errno("mapping the kernel's wake-up buffer");
  producer_ = static_cast<const std::byte*>(producer);
  return {};
}

WakeupListener::~WakeupListener() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    // Cannot fail: the counter is 0.
    (void)!::write(stop_.value(), &one, sizeof one);
    thread_.join();
  }
  if (consumer_ != nullptr) ::munmap(consumer_, page_bytes_);
  if (producer_ != nullptr)
    ::munmap(const_cast<std::byte*>(producer_), page_bytes_ + 2 * ring_bytes_);
}

void WakeupListener::run() {
  pollfd waits[] = {{map_.value(), POLLIN, 0}, {stop_.value(), POLLIN, 0}};
  while (true) {
    // What comes after consume() has looked makes the buffer readable again: nothing is missed.
    if (::poll(waits, 2, -1) < 0) continue;  // EINTR
    if (waits[1].revents != 0) return;
    if (consume()) {
      bell_.ring();
    } else {
      ::nanosleep(&kPause, nullptr);
    }
  }
}

// Makes room for what comes; returns whether there was anything whole.
bool WakeupListener::consume() {
  auto* consumed = reinterpret_cast<std::uint64_t*>(consumer_);
  const auto* produced = reinterpret_cast<const std::uint64_t*>(producer_);
  const std::byte* data = producer_ + page_bytes_;
  const std::uint64_t before = *consumed;  // ours alone
  std::uint64_t at = before;
  const std::uint64_t end = __atomic_load_n(produced, __ATOMIC_ACQUIRE);
  while (at < end) {
    const auto* header = reinterpret_cast<const std::uint32_t*>(data + (at & (ring_bytes_ - 1)));
    const std::uint32_t length = __atomic_load_n(header, __ATOMIC_ACQUIRE);
    // Its space must stay the kernel's until it is whole.
    if ((length & BPF_RINGBUF_BUSY_BIT) != 0) break;
    const std::uint64_t bytes = (length & ~BPF_RINGBUF_DISCARD_BIT) + BPF_RINGBUF_HDR_SZ;
    at += (bytes + 7) / 8 * 8;
  }
  // Full barrier: a poster that finds us not caught up does not wake, so poll() must look after it.
  (void)__atomic_exchange_n(consumed, at, __ATOMIC_SEQ_CST);
  return at != before;
}

}  // namespace sillage::collect
