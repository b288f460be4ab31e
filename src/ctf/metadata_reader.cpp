// SPDX-License-Identifier: MIT
#include "ctf/metadata_reader.hpp"

#include "ctf/json_metadata.hpp"
#include "ctf/packetized_metadata.hpp"
#include "ctf/tsdl_model.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace sillage::ctf {

namespace {

Result<TraceModel> read_text(std::string_view text, const MetadataLimits& limits) {
  return is_json_metadata(text) ? read_json_metadata(text, limits) : read_tsdl(text, limits);
}

}  // namespace

Result<TraceModel> read_metadata(std::span<const std::byte> bytes, const MetadataLimits& limits) {
  if (!is_packetized_metadata(bytes))
    return read_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, limits);
  auto text = unpack_metadata(bytes);
  if (!text) return tl::unexpected(std::move(text).error());
  return read_text(*text, limits);
}

}  // namespace sillage::ctf
