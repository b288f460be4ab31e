// SPDX-License-Identifier: MIT
#include "apps/image_catalog.hpp"

#include "base/byte_cursor.hpp"

#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace sillage::apps {
namespace {

constexpr std::uint64_t kGateBytes = sizeof(std::uint64_t);
constexpr std::uint8_t kMaxLogLevel = 14;
constexpr std::uint8_t kKnownFlags = SILLAGE_FIELD_SIGNED | SILLAGE_FIELD_BIG_ENDIAN |
                                     SILLAGE_FIELD_NOWRITE | SILLAGE_FIELD_FLOAT_ELEMENTS;

bool is_integer_size(std::uint8_t size) { return size == 1 || size == 2 || size == 4 || size == 8; }
bool is_float_size(std::uint8_t size) { return size == 4 || size == 8; }
bool is_length_size(std::uint32_t count) {
  return count == 0 || (count <= 8 && is_integer_size(static_cast<std::uint8_t>(count)));
}
bool is_base(std::uint8_t base) { return base == 2 || base == 8 || base == 10 || base == 16; }

/// The rules of abi/catalog.h about kind, size and base, which the record's layout depends on.
bool has_possible_type(const Field& field) {
  bool has_floats = (field.flags & SILLAGE_FIELD_FLOAT_ELEMENTS) != 0;
  switch (field.kind) {
    case SILLAGE_KIND_INTEGER:
    case SILLAGE_KIND_ENUM: return is_integer_size(field.size) && is_base(field.base);
    case SILLAGE_KIND_BOOL: return field.size == 1;
    case SILLAGE_KIND_FLOAT: return is_float_size(field.size);
    case SILLAGE_KIND_SEQUENCE:
      if (!is_length_size(field.count)) return false;
      [[fallthrough]];
    case SILLAGE_KIND_ARRAY:
      return has_floats ? is_float_size(field.size)
                        : is_integer_size(field.size) && is_base(field.base);
    case SILLAGE_KIND_STRING:
    case SILLAGE_KIND_TEXT_ARRAY:
    case SILLAGE_KIND_BLOB:
    case SILLAGE_KIND_BLOB_SEQUENCE: return true;
    case SILLAGE_KIND_TEXT_SEQUENCE: return is_length_size(field.count);
  }
  return false;
}

/// Reads one site's description after another; stops at the first that cannot be.
class CatalogReader {
 public:
  CatalogReader(std::span<const std::byte> catalog, std::uint64_t offset_in_image,
                const Limits& limits)
      : catalog_(catalog), offset_in_image_(offset_in_image), limits_(limits), cursor_(catalog) {}

  Result<Site> next() {
    const std::size_t start = cursor_.offset();
    auto bytes = cursor_.take<std::uint32_t>();
    if (!bytes) return corrupt("the catalogue ends before its last description");
    if (*bytes % 8 != 0 || *bytes < sizeof *bytes || *bytes - sizeof *bytes > cursor_.left()) {
      return corrupt("a description's size is " + std::to_string(*bytes) + " with " +
                     std::to_string(cursor_.left() + sizeof *bytes) + " bytes left");
    }
    end_ = start + *bytes;
    auto site = read_site();
    if (site && !cursor_.skip(end_ - cursor_.offset()))
      return corrupt("a description passes its own end");
    return site;
  }

 private:
  Result<Site> read_site() {
    Site site;
    const std::size_t facts_offset = cursor_.offset();
    auto level = take<std::uint8_t>();
    auto flags = take<std::uint8_t>();
    auto field_count = take<std::uint16_t>();
    const std::size_t facts_end = cursor_.offset();
    auto line = take<std::uint32_t>();
    if (!level || !flags || !field_count || !line)
      return corrupt("a description ends in its fixed part");
    if (*level > kMaxLogLevel)
      return corrupt("log level " + std::to_string(*level) + " is above 14");
    if (*field_count > limits_.event_fields) {
      return over_limit(std::to_string(*field_count) + " fields in one event; the limit is " +
                        std::to_string(limits_.event_fields));
    }
    site.log_level = *level;
    site.line = *line;
    if (!take_string(&site.provider) || !take_string(&site.name) || !take_string(&site.file) ||
        !take_string(&site.emf_uri)) {
      return corrupt("a description ends in a string");
    }
    if (site.provider.empty() || site.name.empty())
      return corrupt("a provider or event without a name");
    if (site.provider.size() + 1 + site.name.size() > SILLAGE_CATALOG_MAX_NAME) {
      return over_limit("an event's name is longer than 255 bytes with its provider's");
    }
    const std::size_t fields_offset = cursor_.offset();
    for (std::uint16_t i = 0; i < *field_count; ++i) {
      auto field = read_field();
      if (!field) return tl::unexpected<Error>(std::move(field).error());
      site.fields.push_back(*std::move(field));
    }
    append_bytes(&site.identity, facts_offset, facts_end);
    for (const std::string* part : {&site.provider, &site.name, &site.emf_uri}) {
      site.identity.append(*part).push_back('\0');
    }
    append_bytes(&site.identity, fields_offset, cursor_.offset());
    return site;
  }

  Result<Field> read_field() {
    Field field;
    auto kind = take<std::uint8_t>();
    auto size = take<std::uint8_t>();
    auto flags = take<std::uint8_t>();
    auto base = take<std::uint8_t>();
    auto count = take<std::uint32_t>();
    if (!kind || !size || !flags || !base || !count || !take_string(&field.name) ||
        !take_string(&field.media_type)) {
      return corrupt("a description ends in a field");
    }
    if (*kind < SILLAGE_KIND_INTEGER || *kind > SILLAGE_KIND_BLOB_SEQUENCE) {
      return corrupt("field \"" + field.name + "\" is of unknown kind " + std::to_string(*kind));
    }
    field.kind = static_cast<sillage_field_kind>(*kind);
    field.size = *size;
    field.flags = *flags;
    field.base = *base;
    field.count = *count;
    if ((field.flags & ~kKnownFlags) != 0 || !has_possible_type(field)) {
      return corrupt("field \"" + field.name + "\" has a type that cannot be: kind " +
                     std::to_string(*kind) + ", size " + std::to_string(*size) + ", flags " +
                     std::to_string(*flags) + ", base " + std::to_string(*base) + ", count " +
                     std::to_string(*count));
    }
    if (field.count > limits_.field_count) {
      return over_limit("field \"" + field.name + "\" has " + std::to_string(field.count) +
                        " elements; the limit is " + std::to_string(limits_.field_count));
    }
    auto label_count = take<std::uint32_t>();
    if (!label_count) return corrupt("a description ends in a field");
    if (*label_count > limits_.field_labels) {
      return over_limit("field \"" + field.name + "\" has " + std::to_string(*label_count) +
                        " labels; the limit is " + std::to_string(limits_.field_labels));
    }
    for (std::uint32_t i = 0; i < *label_count; ++i) {
      Label label;
      auto begin = take<std::int64_t>();
      auto end = take<std::int64_t>();
      if (!begin || !end || !take_string(&label.name))
        return corrupt("a description ends in a label");
      label.begin = *begin;
      label.end = *end;
      field.labels.push_back(std::move(label));
    }
    return field;
  }

  /// Like the cursor's, but not beyond the description.
  template <class T>
  std::optional<T> take() {
    if (end_ - cursor_.offset() < sizeof(T)) return std::nullopt;
    return cursor_.take<T>();
  }

  bool take_string(std::string* to) {
    auto length = take<std::uint16_t>();
    if (!length || end_ - cursor_.offset() < *length) return false;
    auto chars = cursor_.take_chars(*length);
    if (!chars || chars->find('\0') != std::string_view::npos) return false;
    to->assign(*chars);
    return true;
  }

  void append_bytes(std::string* to, std::size_t from, std::size_t until) const {
    to->append(reinterpret_cast<const char*>(catalog_.data()) + from, until - from);
  }

  [[nodiscard]] std::string location() const {
    return "image@" + std::to_string(offset_in_image_ + cursor_.offset());
  }
  [[nodiscard]] tl::unexpected<Error> corrupt(std::string what) const {
    return fail(Code::kCorrupt, std::move(what), location());
  }
  [[nodiscard]] tl::unexpected<Error> over_limit(std::string what) const {
    return fail(Code::kLimit, std::move(what), location());
  }

  std::span<const std::byte> catalog_;
  std::uint64_t offset_in_image_;
  const Limits& limits_;
  ByteCursor cursor_;
  std::size_t end_ = 0;  // of the description being read, in the catalogue
};

}  // namespace

// Of programs that do not know of what was added since.
constexpr std::size_t kFirstHeaderBytes = offsetof(sillage_image_header, listens);

Result<ImageCatalog> parse_image(std::span<const std::byte> bytes_untrusted, const Limits& limits) {
  auto header = ByteCursor(bytes_untrusted).take<sillage_image_header>();
  if (!header) return fail(Code::kCorrupt, "an image smaller than its header", "image@0");
  if (header->magic != SILLAGE_IMAGE_MAGIC)
    return fail(Code::kCorrupt, "not an image of tracepoints", "image@0");
  if (header->abi_major != SILLAGE_IMAGE_ABI_MAJOR) {
    return fail(Code::kUnsupported, "an image of layout " + std::to_string(header->abi_major) +
                                        "; this daemon reads " +
                                        std::to_string(SILLAGE_IMAGE_ABI_MAJOR) +
                                        ": use the daemon of the library's release");
  }
  auto corrupt = [](const char* what) { return fail(Code::kCorrupt, what, "image@0"); };
  const std::uint64_t total = bytes_untrusted.size();
  if (header->total_bytes != total) return corrupt("an image's size differs from what it says");
  if (header->word_bits != 32 && header->word_bits != 64)
    return corrupt("a word size that is not 32 or 64");
  if (header->site_count > limits.image_sites) {
    return fail(Code::kLimit, std::to_string(header->site_count) +
                                  " tracepoints in one object; the limit is " +
                                  std::to_string(limits.image_sites));
  }
  const std::uint64_t gates_bytes = std::uint64_t{header->site_count} * kGateBytes;
  if (header->gates_offset < kFirstHeaderBytes || header->gates_offset % kGateBytes != 0 ||
      header->gates_offset > total || gates_bytes > total - header->gates_offset) {
    return corrupt("gates outside of the image");
  }
  if (header->catalog_offset < header->gates_offset + gates_bytes ||
      header->catalog_offset > total || header->catalog_bytes > total - header->catalog_offset) {
    return corrupt("a catalogue outside of the image");
  }
  ImageCatalog catalog;
  catalog.path.assign(header->path, strnlen(header->path, sizeof header->path));
  catalog.word_bits = header->word_bits;
  catalog.base_address = header->base_address;
  catalog.gates_offset = header->gates_offset;
  CatalogReader reader(bytes_untrusted.subspan(header->catalog_offset, header->catalog_bytes),
                       header->catalog_offset, limits);
  for (std::uint32_t i = 0; i < header->site_count; ++i) {
    auto site = reader.next();
    if (!site) return tl::unexpected<Error>(std::move(site).error());
    catalog.sites.push_back(*std::move(site));
  }
  return catalog;
}

std::string field_type_text(const Field& field) {
  auto number = [&] {
    std::string text;
    if ((field.flags & SILLAGE_FIELD_FLOAT_ELEMENTS) != 0 || field.kind == SILLAGE_KIND_FLOAT) {
      return std::string(field.size == 4 ? "float" : "double");
    }
    text = (field.flags & SILLAGE_FIELD_SIGNED) != 0 ? "int" : "uint";
    text += std::to_string(8 * field.size);
    if (field.base == 2) text += " (binary)";
    if (field.base == 8) text += " (octal)";
    if (field.base == 16) text += " (hex)";
    return text;
  };
  auto array_of = [&](const std::string& element, bool is_fixed) {
    return element + (is_fixed ? "[" + std::to_string(field.count) + "]" : "[]");
  };
  std::string text;
  switch (field.kind) {
    case SILLAGE_KIND_INTEGER:
    case SILLAGE_KIND_FLOAT: text = number(); break;
    case SILLAGE_KIND_BOOL: text = "bool"; break;
    case SILLAGE_KIND_ENUM: text = "enum : " + number(); break;
    case SILLAGE_KIND_STRING:
    case SILLAGE_KIND_TEXT_SEQUENCE: text = "string"; break;
    case SILLAGE_KIND_TEXT_ARRAY: text = array_of("char", true); break;
    case SILLAGE_KIND_ARRAY: text = array_of(number(), true); break;
    case SILLAGE_KIND_SEQUENCE: text = array_of(number(), false); break;
    case SILLAGE_KIND_BLOB: text = array_of("blob", true); break;
    case SILLAGE_KIND_BLOB_SEQUENCE: text = array_of("blob", false); break;
  }
  if ((field.flags & SILLAGE_FIELD_NOWRITE) != 0) text += ", not recorded";
  return text;
}

}  // namespace sillage::apps
