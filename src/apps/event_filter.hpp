// SPDX-License-Identifier: MIT
// Filter expressions into what programs run for one of their tracepoints (src/abi/filter.h).
#pragma once

#include "apps/image_catalog.hpp"
#include "base/result.hpp"
#include "filter/bind.hpp"
#include "filter/tree.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::apps {

/// The number of a context by its name: enum sillage_context; none if there is no such context.
using FindContext = std::function<std::optional<std::uint32_t>(std::string_view)>;

/// What filters can ask of the events of a tracepoint: scalar fields, elements of arrays and sequences ("samples[2]"),
/// recorded or not, contexts of the program ($ctx.NAME) and those that it brings itself ($app.PROVIDER:TYPE), which need not be
/// recorded.
///
/// Lifetime: the site and `find_context` outlive it.
class SiteSchema final : public filter::Schema {
 public:
  SiteSchema(const Site& site, const FindContext& find_context)
      : site_(site), find_context_(find_context) {}

  [[nodiscard]] std::optional<filter::Slot> find(const filter::FieldName& name) const override;

  /// What a slot is.
  struct Place {
    bool is_context = false;
    std::uint32_t field = 0;  ///< in Site::fields; of a context its number
    std::optional<std::uint64_t> element{};
    std::string app_context{};                       ///< "$app.PROVIDER:TYPE"; "" = none
    filter::Type app_type = filter::Type::kUnknown;  ///< where it has another one, it is missing
  };
  [[nodiscard]] const std::vector<Place>& places() const { return places_; }

 private:
  [[nodiscard]] std::optional<filter::Slot> find_field(const filter::FieldName& name) const;
  [[nodiscard]] filter::Slot add(const Place& place, filter::Type type) const;

  const Site& site_;
  const FindContext& find_context_;
  mutable std::vector<Place> places_;
};

/// Binds an expression to a tracepoint, as make_filter_program() does.
[[nodiscard]] filter::Binding bind_filter(const filter::Tree& tree, const Site& site,
                                          const FindContext& find_context);

/// A struct sillage_filter_program: accepts an event if one of `any_of`, parsed, not bound, does. Expressions that can match no
/// event of the site are left out.
///
/// Errors: kNotFound         none of them can match.
///         kLimit            more instructions, fields or texts than programs take, or more contexts of the application in one
///                           comparison (filter/by_type.hpp).
[[nodiscard]] Result<std::vector<std::byte>> make_filter_program(
    const std::vector<const filter::Tree*>& any_of, const Site& site,
    const FindContext& find_context);

/// A struct sillage_filter_table of an image's sites; `program_of` has for each its place in `programs`, or none.
[[nodiscard]] std::vector<std::byte> make_filter_table(
    const std::vector<std::optional<std::size_t>>& program_of,
    const std::vector<std::vector<std::byte>>& programs);

}  // namespace sillage::apps
