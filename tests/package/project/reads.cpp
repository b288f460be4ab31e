// SPDX-License-Identifier: MIT
#include <sillage/trace.hpp>

#include <iostream>

// Prints name, number and text of each event of a trace.
int main(int count, char** arguments) {
  if (count != 2) return 2;
  auto reader = sillage::trace::Reader::open({arguments[1]});
  if (!reader) {
    std::cerr << reader.error().text() << '\n';
    return 1;
  }
  for (const sillage::trace::Event& event : *reader) {
    std::cout << event.name() << ' ' << event.find("number").as_signed() << ' '
              << event.find("text").as_text() << '\n';
  }
  return reader->damages().empty() ? 0 : 1;
}
