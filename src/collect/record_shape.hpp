// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace sillage::collect {

/// How long the records of one event are: what is needed to step over one, and nothing about
/// values.
///
/// Shape:  fixed bytes, then for each part of variable length the bytes it takes and the fixed ones
///         behind it.
/// Source: src/abi/catalog.h: the payload is the fields in order, packed.
class RecordShape {
 public:
  /// Compiles the parts of an event record behind its header: contexts, then payload. Null classes
  /// are empty.
  ///
  /// Errors: kUnsupported  a field whose length does not follow from the fields in front of it in
  ///         the ways
  ///                       src/abi/catalog.h allows; the message names it.
  [[nodiscard]] static Result<RecordShape> compile(const ctf::FieldClassRef& common_context,
                                                   const ctf::FieldClassRef& specific_context,
                                                   const ctf::FieldClassRef& payload);

  /// Bytes behind the header of every record, if all have the same.
  [[nodiscard]] std::optional<std::uint64_t> fixed_bytes() const {
    return parts_.empty() ? std::optional(leading_bytes_) : std::nullopt;
  }

  /// What measure() gives where there is no whole record. Not an optional: its two parts are stored
  /// and loaded in different sizes, and waiting for that made up two thirds of the scan of events
  /// with strings.
  static constexpr std::size_t kNoRecord = SIZE_MAX;

  /// Bytes behind the header of the record whose remainder starts `bytes`; kNoRecord if it does not
  /// end in there.
  [[nodiscard]] std::size_t measure(std::span<const std::byte> bytes) const;

 private:
  struct Part {
    enum class Kind : std::uint8_t { kString, kSequence, kChoice } kind;
    std::uint8_t length_bytes;    // sequences: of their count, which stands in front of the part
    std::uint32_t element_bytes;  // sequences; choices: where their options begin in choices_
    std::uint64_t fixed_behind;
  };
  /// What a tag of one byte, which stands in front of the part, can say: a string, or so many bytes.
  struct Choice {
    static constexpr std::uint8_t kString = 0xff, kNone = 0xfe;
    std::array<std::uint8_t, 256> bytes_of_tag;
  };

  [[nodiscard]] Status add(const ctf::FieldClassRef& structure);
  void add_fixed(std::uint64_t bytes);

  std::uint64_t leading_bytes_ = 0;
  [[nodiscard]] bool add_choice(const ctf::Variant& variant, const ctf::Member* before);

  std::vector<Part> parts_;
  std::vector<Choice> choices_;
};

}  // namespace sillage::collect
