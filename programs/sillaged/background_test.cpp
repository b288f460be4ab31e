// SPDX-License-Identifier: MIT
#include "sillaged/background.hpp"

#include <gtest/gtest.h>

#include <poll.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace sillage::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Background, WhatFollows_IsDoneByTheCallerOnceTheWorkHasEnded) {
  const auto background = std::move(*Background::create());
  const auto here = std::this_thread::get_id();
  std::atomic<bool> may_end = false;
  std::thread::id worker, follower;
  background->run(
      [&] {
        worker = std::this_thread::get_id();
        while (!may_end) std::this_thread::sleep_for(1ms);
      },
      [&] { follower = std::this_thread::get_id(); });
  background->process_done();
  EXPECT_FALSE(background->is_idle());
  EXPECT_EQ(follower, std::thread::id());
  may_end = true;
  pollfd bell = {background->fd(), POLLIN, 0};
  ASSERT_EQ(poll(&bell, 1, 10'000), 1);
  background->process_done();
  EXPECT_TRUE(background->is_idle());
  EXPECT_EQ(follower, here);
  EXPECT_NE(worker, here);
}

TEST(Background, WhatWorkHolds_GoesOnItsThread) {
  struct Heavy {
    explicit Heavy(std::thread::id* freed) : freed_by(freed) {}
    std::thread::id* freed_by;
    ~Heavy() { *freed_by = std::this_thread::get_id(); }
  };
  const auto background = std::move(*Background::create());
  std::thread::id freed_by;
  {
    auto heavy = std::make_shared<Heavy>(&freed_by);
    background->run([heavy = std::move(heavy)] {}, [] {});
  }
  background->finish();
  EXPECT_NE(freed_by, std::thread::id());
  EXPECT_NE(freed_by, std::this_thread::get_id());
}

TEST(Background, Finish_WaitsForWorkThatFollowsFromWork) {
  const auto background = std::move(*Background::create());
  int done = 0;
  background->run([] {}, [&] { background->run([&] { ++done; }, [&] { ++done; }); });
  background->finish();
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(background->is_idle());
}

}  // namespace
}  // namespace sillage::daemon
