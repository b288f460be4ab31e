// SPDX-License-Identifier: MIT
// Hostile metadata (F28): TSDL and JSON, plain or in packets. The first byte says whether the rest is a metadata file as
// it comes, or text that is put into sound packets first.
#include "ctf/decode_plan.hpp"
#include "ctf/metadata_reader.hpp"
#include "limits.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace {

using namespace sillage;
using fuzzing::expect;

// Packets of `step` bytes of text, as CTF 1.8 has them.
std::vector<std::byte> in_packets(std::span<const std::byte> text, std::size_t step) {
  constexpr std::uint32_t kMagic = 0x75d11d57;
  constexpr std::size_t kHead = 37;
  std::vector<std::byte> out;
  for (std::size_t at = 0; at < text.size(); at += step) {
    const auto part = text.subspan(at, std::min(step, text.size() - at));
    std::byte head[kHead] = {};
    const auto bits = static_cast<std::uint32_t>(8 * (kHead + part.size()));
    std::memcpy(head, &kMagic, sizeof kMagic);
    std::memcpy(head + 24, &bits, sizeof bits);
    std::memcpy(head + 28, &bits, sizeof bits);
    head[35] = std::byte{1};
    head[36] = std::byte{8};
    out.insert(out.end(), head, head + kHead);
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = std::as_bytes(std::span(data + 1, size - 1));
  // A copy of exactly this size: a sanitizer sees every byte read behind it.
  const std::vector<std::byte> input = (data[0] & 1) == 0
                                           ? std::vector<std::byte>(bytes.begin(), bytes.end())
                                           : in_packets(bytes, data[0]);
  const fuzzing::Limits limits(input.size());
  auto model = ctf::read_metadata(input);
  if (!model) {
    expect(!model.error().message.empty(), "an error says what is wrong");
    expect(!model.error().location.empty(), "an error says where");
    return 0;
  }
  auto plan = ctf::Plan::compile(std::make_shared<const ctf::TraceModel>(std::move(*model)));
  if (!plan) expect(!plan.error().message.empty(), "an error says what is wrong");
  return 0;
}
