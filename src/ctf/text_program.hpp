// SPDX-License-Identifier: MIT
// The text of event records of one class, straight from their bytes: what stands between two values
// is one literal, and each value is read where scanning says that it stands.
#pragma once

#include "ctf/scanner.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::ctf {

/// How one value becomes text.
enum class TextCode : std::uint8_t {
  kEnd,
  kUnsigned8,
  kUnsigned16,
  kUnsigned32,
  kUnsigned64,
  kSigned8,
  kSigned16,
  kSigned32,
  kSigned64,
  kHexadecimal8,
  kHexadecimal16,
  kHexadecimal32,
  kHexadecimal64,
  kReal32,
  kReal64,      ///< the last of the numbers
  kTerminated,  ///< text up to a NUL
  kFixed,       ///< text of `size` bytes, or up to the anchor behind it
  kElements,    ///< an array of numbers, each as `element` says
  kContextEnd,  ///< no value: here the common context ends
  kOther,       ///< whatever else: TextPrinter knows
};

/// A literal, then a value.
struct TextStep {
  TextCode code = TextCode::kEnd;
  TextCode element = TextCode::kEnd;    ///< of kElements
  std::uint8_t anchor = 0, behind = 0;  ///< as Place's
  std::uint16_t literal_bytes = 0;
  std::uint32_t literal = 0;  ///< in TextProgram::literals
  std::uint32_t offset = 0;   ///< bytes from the anchor
  std::uint32_t size = 0;     ///< bytes of text of fixed length, or of each element
  std::uint32_t place = 0;    ///< in ClassScan::places
  std::uint32_t count = 0;    ///< elements of an array of fixed length
  std::uint32_t key = kNone;  ///< in ClassScan::keys: how many elements, if that varies
  std::uint32_t rest = 0;     ///< bytes of fixed number behind `behind`
  bool shows_names = false;   ///< of elements
};

/// Text that is copied in blocks: what is behind it may be read, too.
class PaddedText {
 public:
  static constexpr std::size_t kBlock = 32;

  PaddedText() = default;
  explicit PaddedText(std::string text) : size_(text.size()), text_(std::move(text)) {
    text_.append(kBlock, '\0');
  }

  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }

  /// Copies it; up to a block behind it may be written. Returns where it ends.
  char* copy_to(char* out) const {
    for (std::size_t i = 0; i < size_; i += kBlock) std::memcpy(out + i, text_.data() + i, kBlock);
    return out + size_;
  }

 private:
  std::size_t size_ = 0;
  std::string text_;
};

/// How the records of a class become text, from behind the event's name to the end of the line.
struct TextProgram {
  std::vector<TextStep> steps{};
  /// Readable for kLiteralSlack bytes behind each literal.
  std::string literals{};
  /// Anchors must be found first, and are not found on the way.
  bool needs_anchors = false;
  /// Bytes of the common context, which the first steps print, and steps up to the one behind it;
  /// 0: it is not worth remembering, or varies in size.
  std::uint32_t context_bytes = 0, context_steps = 0;
  /// Bytes of all literals and numbers, with slack.
  std::size_t most_bytes = 0;

  static constexpr std::size_t kLiteralSlack = 32;
};

/// What literals are made of; the words of a scope or member, "" where names are not shown.
struct TextNames {
  std::function<std::string(std::string_view)> scope{}, member{};
  bool context_names = true, payload_names = true;
};

/// Compiles the text of a class; no steps if some of its fields are not scanned: optionals,
/// variants, arrays of anything but scalars, and what scanning leaves to the decoder.
///
/// `has_packet_text`: something of the packet context stands in front of the rest.
[[nodiscard]] TextProgram compile_text(const Plan& plan, const StreamPlan& stream,
                                       std::uint32_t event, const ClassScan& scan,
                                       const TextNames& names, bool has_packet_text);

}  // namespace sillage::ctf
