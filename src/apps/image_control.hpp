// SPDX-License-Identifier: MIT
#pragma once

#include "abi/catalog.h"
#include "apps/image_catalog.hpp"
#include "apps/limits.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace sillage::apps {

/// Which memory file an image is: two descriptors of one image have the same.
struct ImageInode {
  dev_t device = 0;
  ino_t inode = 0;
  auto operator<=>(const ImageInode&) const = default;
};

/// The daemon's hand on one image: what it says, and its gates.
///
/// The memory file is checked once: sealed so that it cannot shrink (no SIGBUS, fault F08), of shared memory proper,
/// not too large. Its contents are copied once and validated; of the mapping only the gates are written, and
/// `gone`, `bell` and what answers it are read.
///
/// Threads: one.
class ImageControl {
 public:
  /// Takes over the descriptor a program sent, or one found in /proc.
  ///
  /// Errors: kPermission  not sealed, or cannot be written.
  ///         kCorrupt, kLimit, kUnsupported  as parse_image; kNotReady  the program is still building it.
  [[nodiscard]] static Result<ImageControl> open(const Fd& image, const Limits& limits);

  ImageControl(ImageControl&& other) noexcept;
  ImageControl& operator=(ImageControl&& other) noexcept;
  ~ImageControl();

  [[nodiscard]] const ImageCatalog& catalog() const { return *catalog_; }
  [[nodiscard]] const ImageInode& inode() const { return inode_; }
  [[nodiscard]] std::uint64_t image_bytes() const { return image_bytes_; }

  /// Whether the program has unloaded the object.
  [[nodiscard]] bool is_gone() const;

  /// Stores a generation in one half of a site's gate; 0 disables the site for that domain.
  ///
  /// The store is a release: whatever the program is to be told when it asks must be settled before.
  void set_gate(std::uint32_t site, sillage_domain domain, std::uint32_t generation);
  [[nodiscard]] std::uint32_t gate(std::uint32_t site, sillage_domain domain) const;
  /// Whether the program, which listens to that bell, has not done yet what it was told by it.
  [[nodiscard]] bool is_behind() const;
  /// Tells a program that waits for it that its gates have changed. To be called behind a round of set_gate().
  void ring_bell();

 private:
  ImageControl() = default;
  [[nodiscard]] std::uint32_t* half(std::uint32_t site, sillage_domain domain) const;

  std::shared_ptr<const ImageCatalog> catalog_;
  ImageInode inode_;
  std::uint64_t image_bytes_ = 0;
  std::byte* memory_ = nullptr;  // from the header to the last gate
  std::size_t mapped_bytes_ = 0;
  bool can_listen_ = false;  // what it says of that is there
};

}  // namespace sillage::apps
