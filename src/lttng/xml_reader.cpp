// SPDX-License-Identifier: MIT
#include "lttng/xml_reader.hpp"

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include <memory>
#include <utility>

namespace sillage::lttng {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{16} << 20;  // a thousand sessions of a hundred rules
constexpr std::size_t kMaxDepth = 32;                     // LTTng's have 12

/// What libxml2's callbacks make a tree of.
struct Builder {
  xmlParserCtxtPtr parser = nullptr;
  XmlElement root{};
  // Innermost last. Only the last one's children grow, so those that are open stay where they are.
  std::vector<XmlElement*> open{};
  std::string refused{};
  unsigned refused_line = 0;

  [[nodiscard]] unsigned line() const {
    return static_cast<unsigned>(xmlSAX2GetLineNumber(parser));
  }
  void refuse(const char* why) {
    if (!refused.empty()) return;
    refused = why;
    refused_line = line();
    xmlStopParser(parser);
  }
};

Builder& builder_of(void* context) { return *static_cast<Builder*>(context); }

const char* chars(const xmlChar* text) { return reinterpret_cast<const char*>(text); }

void on_document_type(void* context, const xmlChar* /*name*/, const xmlChar* /*id*/,
                      const xmlChar* /*system*/) {
  builder_of(context).refuse("documents with a document type are not read: take out <!DOCTYPE");
}

void on_start(void* context, const xmlChar* name, const xmlChar* /*prefix*/, const xmlChar* /*uri*/,
              int /*namespaces*/, const xmlChar** /*namespace_list*/, int /*attributes*/,
              int /*defaulted*/, const xmlChar** /*attribute_list*/) {
  Builder& builder = builder_of(context);
  if (!builder.refused.empty()) return;
  if (builder.open.size() == kMaxDepth)
    return builder.refuse("more than 32 elements stand in each other");
  XmlElement* element = &builder.root;
  if (!builder.open.empty()) element = &builder.open.back()->children.emplace_back();
  element->name = chars(name);
  element->line = builder.line();
  builder.open.push_back(element);
}

void on_end(void* context, const xmlChar* /*name*/, const xmlChar* /*prefix*/,
            const xmlChar* /*uri*/) {
  Builder& builder = builder_of(context);
  if (builder.refused.empty() && !builder.open.empty()) builder.open.pop_back();
}

void on_text(void* context, const xmlChar* text, int bytes) {
  Builder& builder = builder_of(context);
  if (builder.refused.empty() && !builder.open.empty())
    builder.open.back()->text.append(chars(text), static_cast<std::size_t>(bytes));
}

tl::unexpected<Error> wrong(const std::string& file, unsigned line, std::string why) {
  while (!why.empty() && why.back() == '\n') why.pop_back();
  return fail(Code::kInvalidArgument, file + ":" + std::to_string(line) + ": " + why);
}

}  // namespace

Result<XmlElement> read_xml(std::string_view document, const std::string& file) {
  if (document.size() > kMaxBytes)
    return fail(Code::kInvalidArgument, file + ": longer than 16 MiB: no file of sessions");
  xmlSAXHandler handler = {};
  handler.initialized = XML_SAX2_MAGIC;
  handler.internalSubset = on_document_type;
  handler.startElementNs = on_start;
  handler.endElementNs = on_end;
  handler.characters = on_text;
  handler.ignorableWhitespace = on_text;
  handler.cdataBlock = on_text;
  Builder builder;
  const std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)> parser(
      xmlCreatePushParserCtxt(&handler, &builder, nullptr, 0, nullptr), xmlFreeParserCtxt);
  if (parser == nullptr) return fail(Code::kLimit, "no memory to read " + file);
  builder.parser = parser.get();
  xmlCtxtUseOptions(parser.get(), XML_PARSE_NONET);
  const int status =
      xmlParseChunk(parser.get(), document.data(), static_cast<int>(document.size()), 1);
  if (!builder.refused.empty()) return wrong(file, builder.refused_line, builder.refused);
  if (status != 0) {
    const auto* const error = xmlCtxtGetLastError(parser.get());
    if (error == nullptr || error->message == nullptr) return wrong(file, 1, "no XML document");
    return wrong(file, static_cast<unsigned>(error->line), error->message);
  }
  if (builder.root.name.empty()) return wrong(file, 1, "no XML document");
  return std::move(builder.root);
}

}  // namespace sillage::lttng
