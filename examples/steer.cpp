// SPDX-License-Identifier: MIT
// Watches programs for events that match a filter, and says after each second how many there were:
//   steer EVENT [FILTER]      e.g.: steer 'kv:request_end' 'bytes > 1000'
// Ends after ten seconds, or when the first ones are there; the trace of these is left in ./steered.
#include <sillage/control.hpp>

#include <chrono>
#include <filesystem>
#include <iostream>
#include <thread>

namespace control = sillage::control;

namespace {

int run(control::Client& client, const control::Rule& rule) {
  const control::Session session =
      client
          .create({.name = "steered", .output_path = std::filesystem::absolute("steered").string()})
          .value_or_throw();
  client
      .enable_channel(session.name, control::Domain::kUser, {.name = "watched", .overwrite = false})
      .value_or_throw();
  client.enable_rule(session.name, rule, "watched").value_or_throw();
  client.add_context(session.name, control::Domain::kUser, "procname").value_or_throw();
  client.start(session.name).value_or_throw();
  for (int second = 1; second <= 10; ++second) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const control::Findings findings = client.why_empty(session.name).value_or_throw();
    const std::uint64_t events = findings.statistics->events + findings.statistics->pending;
    std::cout << second << " s: " << events << " events, " << findings.statistics->rejected
              << " that the filter did not want, of " << findings.programs << " programs\n";
    for (const control::UnmatchedPattern& pattern : findings.unmatched)
      std::cout << "  no program has " << pattern.pattern << '\n';
    if (events != 0) break;
  }
  const control::Destroyed destroyed = client.destroy(session.name).value_or_throw();
  std::cout << destroyed.statistics.events << " events in " << destroyed.session.path << ", "
            << destroyed.statistics.lost.total() << " lost\n";
  return destroyed.statistics.events != 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2 || count > 3) {
    std::cerr << "usage: steer EVENT [FILTER]\n";
    return 2;
  }
  auto client = control::Client::connect();
  if (!client) {
    std::cerr << client.error().message << '\n';
    return 2;
  }
  try {
    return run(*client, {.name = arguments[1], .filter = count == 3 ? arguments[2] : ""});
  } catch (const std::exception& error) {
    std::cerr << error.what() << '\n';
    (void)client->destroy("steered");
    return 2;
  }
}
