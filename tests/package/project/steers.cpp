// SPDX-License-Identifier: MIT
#include <sillage/control.hpp>

#include <cstdlib>
#include <iostream>
#include <string>

// Makes a session that records the event, runs the command, and prints how many events there were.
int main(int count, char** arguments) {
  if (count != 4) return 2;
  const std::string name = "steered";
  auto client = sillage::control::Client::connect();
  if (!client) {
    std::cerr << client.error().message << '\n';
    return 1;
  }
  client->create({.name = name, .output_path = arguments[1]}).value_or_throw();
  client->enable_rule(name, {.name = arguments[2]}).value_or_throw();
  client->start(name).value_or_throw();
  const int status = std::system(arguments[3]);
  const auto destroyed = client->destroy(name).value_or_throw();
  std::cout << destroyed.statistics.events << " of " << status / 256 << '\n';
  return 0;
}
