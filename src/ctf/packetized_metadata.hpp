// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <span>
#include <string>

namespace sillage::ctf {

/// Whether a metadata stream is packetised: it begins with the magic number, in either byte order.
[[nodiscard]] bool is_packetized_metadata(std::span<const std::byte> bytes);

/// The text in the packets of a metadata stream.
///
///      0 magic 0x75d11d57   4 UUID   20 checksum   24 content bits   28 packet bits
///     32 compression  33 encryption  34 checksum scheme  35 major  36 minor
///     CTF2-PMETA-1.0 only: 37 three reserved bytes, 40 header bits
///     37 or header bits: text, up to content bits; padding, up to packet bits
///
/// Versions 1.8 and 2.0 are read; LTTng writes 2.0 with the header of 1.8. Fewer bytes behind the
/// last packet than a header has are ignored, and padding that is not there, as by babeltrace2.
///
/// Errors: kCorrupt      a magic number, size or UUID that cannot be; location "byte B".
///         kUnsupported  compressed, encrypted, of another version.
/// Source: CTF 1.8.3 section 7.1; CTF2-PMETA-1.0.
[[nodiscard]] Result<std::string> unpack_metadata(std::span<const std::byte> bytes);

}  // namespace sillage::ctf
