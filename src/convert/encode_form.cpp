// SPDX-License-Identifier: MIT
#include "convert/encode_form.hpp"

#include <algorithm>
#include <variant>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

constexpr std::uint32_t kByte = 8;

template <class... Kinds>
struct Overloaded : Kinds... {
  using Kinds::operator()...;
};
template <class... Kinds>
Overloaded(Kinds...) -> Overloaded<Kinds...>;

}  // namespace

std::uint32_t alignment_of(const FieldClass& field_class) {
  return std::visit(Overloaded{
                        [](const StaticArray& kind) {
                          return std::max(kind.minimum_alignment_bits, alignment_of(*kind.element));
                        },
                        [](const DynamicArray& kind) {
                          return std::max(kind.minimum_alignment_bits, alignment_of(*kind.element));
                        },
                        [](const Structure& kind) {
                          std::uint32_t most = std::max(kind.minimum_alignment_bits, 1u);
                          for (const Member& member : kind.members) {
                            most = std::max(most, alignment_of(*member.field_class));
                          }
                          return most;
                        },
                        [](const Optional&) { return 1u; },
                        [](const Variant&) { return 1u; },
                        [](const auto& kind) {
                          if constexpr (requires { kind.layout; }) {
                            return std::max(kind.layout.alignment_bits, 1u);
                          } else {
                            return kByte;
                          }
                        },
                    },
                    field_class.kind);
}

Roles roles_in(const FieldClassRef& field_class) {
  Roles all;
  if (!field_class) return all;
  const auto add = [&all](Roles more) {
    for (std::size_t i = 0; i < kRoleCount; ++i) {
      if (more.has(static_cast<Role>(i))) all.add(static_cast<Role>(i));
    }
  };
  std::visit(Overloaded{
                 [&](const Structure& kind) {
                   for (const Member& member : kind.members) add(roles_in(member.field_class));
                 },
                 [&](const Variant& kind) {
                   for (const auto& option : kind.options) add(roles_in(option.field_class));
                 },
                 [&](const Optional& kind) { add(roles_in(kind.field_class)); },
                 [&](const StaticArray& kind) { add(roles_in(kind.element)); },
                 [&](const DynamicArray& kind) { add(roles_in(kind.element)); },
                 [&](const auto& kind) {
                   if constexpr (requires { kind.roles; }) add(kind.roles);
                 },
             },
             field_class->kind);
  return all;
}

EncodeField same_form(const FieldClassRef& field_class) {
  EncodeField form;
  if (!field_class) return form;
  form.field_class = field_class;
  form.alignment_bits = alignment_of(*field_class);
  std::visit(
      Overloaded{
          [&](const StaticArray& kind) { form.children.push_back(same_form(kind.element)); },
          [&](const DynamicArray& kind) { form.children.push_back(same_form(kind.element)); },
          [&](const Optional& kind) { form.children.push_back(same_form(kind.field_class)); },
          [&](const Structure& kind) {
            for (const Member& member : kind.members) {
              form.children.push_back(same_form(member.field_class));
            }
          },
          [&](const Variant& kind) {
            for (const VariantOption& option : kind.options) {
              form.children.push_back(same_form(option.field_class));
            }
          },
          [](const auto&) {},
      },
      field_class->kind);
  return form;
}

TraceForm same_form(const Plan& plan) {
  TraceForm form;
  form.packet_header = same_form(plan.model().trace.packet_header);
  for (const StreamPlan& stream : plan.streams()) {
    StreamForm& to = form.streams.emplace_back();
    to.packet_context = same_form(stream.stream_class->packet_context);
    to.event_header = same_form(stream.stream_class->event_header);
    to.common_context = same_form(stream.stream_class->common_context);
    for (const EventPlan& event : stream.events) {
      to.events.push_back({.specific_context = same_form(event.event_class->specific_context),
                           .payload = same_form(event.event_class->payload)});
    }
  }
  return form;
}

}  // namespace sillage::convert
