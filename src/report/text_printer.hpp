// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/text_printer.hpp"
#include "report/event_printer.hpp"

namespace sillage::report {

/// Babeltrace's lines, one by one; ctf::TextPipeline writes all of a trace at once.
///
/// Lifetime: `printer` must outlive it.
class TextEvents final : public EventPrinter {
 public:
  explicit TextEvents(ctf::TextPrinter* printer) : printer_(printer) {}
  void print(const ctf::DataStream& stream) override { printer_->print(stream, place_); }
  /// Where the next event happened; nullptr: not to be shown. Valid until it is printed.
  void set_place(const ctf::EventPlace* place) { place_ = place; }
  [[nodiscard]] std::string_view text() const override { return printer_->text(); }
  void clear() override { printer_->clear(); }

 private:
  ctf::TextPrinter* printer_;
  const ctf::EventPlace* place_ = nullptr;
};

/// Nothing: events are counted only.
class NoEvents final : public EventPrinter {
 public:
  void print(const ctf::DataStream& /*stream*/) override {}
  [[nodiscard]] std::string_view text() const override { return {}; }
  void clear() override {}
};

}  // namespace sillage::report
