// SPDX-License-Identifier: MIT
#pragma once

#include "report/event_printer.hpp"

#include <string>
#include <unordered_map>

namespace sillage::report {

/// One JSON object per line for each event, and for each loss: see sillage-read(1), "JSON".
class JsonPrinter final : public EventPrinter {
 public:
  void print(const ctf::DataStream& stream) override;
  void print(const ctf::Discarded& discarded) override;
  [[nodiscard]] std::string_view text() const override { return text_; }
  void clear() override { text_.clear(); }

 private:
  const std::string& head_of(const ctf::DataStream& stream);
  void put_scope(const ctf::Plan& plan, std::string_view name, ctf::Values values);

  std::string text_;
  // What is the same for all events of a class in a trace. Traces do not share plans.
  std::unordered_map<const ctf::EventPlan*, std::string> heads_;
};

}  // namespace sillage::report
