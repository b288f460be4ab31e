// SPDX-License-Identifier: MIT
#pragma once

#include "convert/bit_writer.hpp"
#include "convert/encode_form.hpp"
#include "ctf/decoder.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::convert {

/// What the head of a packet is to say under each role, instead of what it says; by Role.
using HeadValues = std::array<std::optional<std::uint64_t>, ctf::kRoleCount>;

/// Writes decoded fields in the form that they get.
///
/// Lifetime: the plan must outlive it.
/// Cost:     no allocation per field but for text that is not UTF-8.
class Encoder {
 public:
  explicit Encoder(const ctf::Plan& plan) : plan_(plan), slots_(plan.slot_count()) {}

  /// Appends the fields of one root structure; none without values.
  ///
  /// To be called for packet header, packet context, then for each event record from its header to
  /// its payload, as they were decoded: lengths of text may stand in the structures before.
  /// `head`: of packet headers and contexts.
  void encode(const EncodeScope& form, ctf::Values values, BitWriter* out,
              const HeadValues* head = nullptr);

 private:
  void put(const EncodeField& form, const ctf::Value* value);
  void put_made(const EncodeField& form, const ctf::Value* value);
  void put_fixed(const ctf::BitLayout& layout, std::uint64_t bits);
  void put_number(const ctf::FieldClass& field_class, std::uint64_t number);
  void put_variable(std::uint64_t number, bool is_signed, bool is_padded);
  void put_scalar(const ctf::FieldClass& field_class, const ctf::Value& value);
  void put_text(const ctf::FieldClass& field_class, const ctf::Value& value);
  void put_blob(const ctf::FieldClass& field_class, const ctf::Value& value);
  void put_array(const EncodeField& form, const ctf::Value* value);
  const ctf::Value* put_member(const EncodeField& form, const ctf::Value* value);
  [[nodiscard]] std::size_t chosen(const ctf::Value& value) const;
  [[nodiscard]] std::uint64_t replaced(ctf::Roles roles, std::uint64_t number) const;

  const ctf::Plan& plan_;
  std::vector<std::uint64_t> slots_;  // as the decoder's
  const HeadValues* head_ = nullptr;
  BitWriter* out_ = nullptr;
  std::string text_;  // in the target's encoding
};

}  // namespace sillage::convert
