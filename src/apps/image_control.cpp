// SPDX-License-Identifier: MIT
#include "apps/image_control.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bit>
#include <climits>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace sillage::apps {
namespace {

Result<std::vector<std::byte>> copy_file(int fd, std::uint64_t bytes) {
  std::vector<std::byte> copy(bytes);
  std::size_t done = 0;
  while (done < bytes) {
    ssize_t got = pread(fd, copy.data() + done, bytes - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read an image");
    if (got == 0)
      return fail(Code::kCorrupt, "an image ends early", "image@" + std::to_string(done));
    done += static_cast<std::size_t>(got);
  }
  return copy;
}

/// The size of a memory file that can neither shrink nor make its readers fail.
Result<struct stat> check_memory_file(int fd, const Limits& limits) {
  constexpr int kNeeded = F_SEAL_SHRINK | F_SEAL_GROW;
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0 || (seals & kNeeded) != kNeeded) {
    return fail(Code::kPermission, "an image that is not sealed against changes of its size");
  }
  // Huge pages can be missing when they are touched, which ends in SIGBUS; plain shared memory cannot.
  struct statfs system = {};
  if (fstatfs(fd, &system) != 0) return fail_errno("cannot examine an image");
  if (system.f_type != TMPFS_MAGIC)
    return fail(Code::kPermission, "an image that is not plain shared memory");
  struct stat status = {};
  if (fstat(fd, &status) != 0) return fail_errno("cannot examine an image");
  if (status.st_size < 0 || static_cast<std::uint64_t>(status.st_size) > limits.image_bytes) {
    return fail(Code::kLimit, "an image of " + std::to_string(status.st_size) +
                                  " bytes; the limit is " + std::to_string(limits.image_bytes));
  }
  return status;
}

}  // namespace

Result<ImageControl> ImageControl::open(const Fd& image, const Limits& limits) {
  auto status = check_memory_file(image.value(), limits);
  if (!status) return tl::unexpected<Error>(std::move(status).error());
  auto copy = copy_file(image.value(), static_cast<std::uint64_t>(status->st_size));
  if (!copy) return tl::unexpected<Error>(std::move(copy).error());
  std::uint64_t magic = 0;
  if (copy->size() >= sizeof magic) std::memcpy(&magic, copy->data(), sizeof magic);
  if (magic == 0) return fail(Code::kNotReady, "an image that its program has not finished");
  auto catalog = parse_image(*copy, limits);
  if (!catalog) return tl::unexpected<Error>(std::move(catalog).error());

  ImageControl control;
  control.mapped_bytes_ = catalog->gates_offset + catalog->sites.size() * sizeof(std::uint64_t);
  void* memory =
      mmap(nullptr, control.mapped_bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, image.value(), 0);
  if (memory == MAP_FAILED) return fail_errno("cannot map an image's gates");
  control.memory_ = static_cast<std::byte*>(memory);
  control.inode_ = {status->st_dev, status->st_ino};
  control.image_bytes_ = copy->size();
  sillage_image_header header;
  control.can_listen_ = catalog->gates_offset >= sizeof header;
  if (control.can_listen_) {
    std::memcpy(&header, copy->data(), sizeof header);
    control.can_listen_ = header.abi_minor >= 1;
  }
  control.catalog_ = std::make_shared<const ImageCatalog>(*std::move(catalog));
  return control;
}

ImageControl::ImageControl(ImageControl&& other) noexcept
    : catalog_(std::move(other.catalog_)),
      inode_(other.inode_),
      image_bytes_(other.image_bytes_),
      memory_(std::exchange(other.memory_, nullptr)),
      mapped_bytes_(other.mapped_bytes_),
      can_listen_(other.can_listen_) {}

ImageControl& ImageControl::operator=(ImageControl&& other) noexcept {
  std::swap(catalog_, other.catalog_);
  std::swap(inode_, other.inode_);
  std::swap(image_bytes_, other.image_bytes_);
  std::swap(memory_, other.memory_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(can_listen_, other.can_listen_);
  return *this;
}

ImageControl::~ImageControl() {
  if (memory_ != nullptr) munmap(memory_, mapped_bytes_);
}

bool ImageControl::is_gone() const {
  const auto* header = reinterpret_cast<const sillage_image_header*>(memory_);
  return __atomic_load_n(&header->gone, __ATOMIC_RELAXED) != 0;
}

std::uint32_t* ImageControl::half(std::uint32_t site, sillage_domain domain) const {
  // The user's half is the low one of the 64-bit gate.
  const unsigned number = domain;
  const unsigned index = std::endian::native == std::endian::little ? number : 1u - number;
  auto* gates = reinterpret_cast<std::uint32_t*>(memory_ + catalog_->gates_offset);
  return &gates[2 * std::size_t{site} + index];
}

void ImageControl::set_gate(std::uint32_t site, sillage_domain domain, std::uint32_t generation) {
  // Pairs with the site's load of its gate and the request it then sends (probe/image.cpp).
  __atomic_store_n(half(site, domain), generation, __ATOMIC_RELEASE);
}

void ImageControl::ring_bell() {
  auto* header = reinterpret_cast<sillage_image_header*>(memory_);
  // Pairs with the load of who waits (ust/watcher.cpp); shared: the waiter is another process.
  __atomic_fetch_add(&header->bell, 1, __ATOMIC_RELEASE);
  syscall(SYS_futex, &header->bell, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

bool ImageControl::is_behind() const {
  if (!can_listen_ || is_gone()) return false;
  const auto* header = reinterpret_cast<const sillage_image_header*>(memory_);
  // Pairs with sillage_image_answer() of probe/image.cpp.
  return __atomic_load_n(&header->listens, __ATOMIC_ACQUIRE) == 1 &&
         __atomic_load_n(&header->heard, __ATOMIC_ACQUIRE) !=
             __atomic_load_n(&header->bell, __ATOMIC_RELAXED);
}

std::uint32_t ImageControl::gate(std::uint32_t site, sillage_domain domain) const {
  return __atomic_load_n(half(site, domain), __ATOMIC_RELAXED);
}

}  // namespace sillage::apps
