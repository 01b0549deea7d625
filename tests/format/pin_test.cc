#include "format/pin.h"

#include "format/names.h"
#include "tests/format/golden.h"

#include <gtest/gtest.h>

#include <functional>

namespace tidemark::format {
namespace {

using golden::Id;
using golden::List;

Pin PinOf(uint64_t checkpoint) {
  const Manifest all = List();
  Pin pin{.repository_id = all.repository_id,
          .name = "daily-2026-11-26",
          .checkpoint = checkpoint,
          .created_ms = 1'700'000'000'000,
          .reason = "before the upgrade",
          .unique = 0x0123456789abcdef,
          .lists = {ListOf(all, *all.FindCheckpoint(checkpoint))}};
  Manifest other = pin.lists[0];
  other.subtask = 3;
  pin.lists.push_back(other);
  return pin;
}

void ExpectSame(const Pin& a, const Pin& b) {
  EXPECT_EQ(a.repository_id, b.repository_id);
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.checkpoint, b.checkpoint);
  EXPECT_EQ(a.created_ms, b.created_ms);
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.unique, b.unique);
  EXPECT_EQ(a.lists, b.lists);
}

TEST(PinTest, RoundTripsEveryCheckpointOfAList) {
  for (const Checkpoint& checkpoint : List().checkpoints) {
    const Pin pin = PinOf(checkpoint.id);
    const auto decoded = DecodePin(EncodePin(pin).value(), "pins/x");
    ASSERT_TRUE(decoded.has_value()) << decoded.error().ToString();
    ExpectSame(*decoded, pin);
    EXPECT_EQ(decoded->FindList(3)->subtask, 3u);
    EXPECT_EQ(decoded->FindList(0), nullptr);
    const Pin only = DecodePin(EncodePin(pin).value(), "pins/x", 3).value();
    EXPECT_EQ(only.lists, std::vector<Manifest>{pin.lists[1]});
  }
}

TEST(PinTest, Golden) {
  // Its lists are compressed, and other versions of zstd may write other bytes.
  const auto pin = DecodePin(golden::ReadGolden("pin", EncodePin(PinOf(40)).value()), "");
  ASSERT_TRUE(pin.has_value()) << pin.error().ToString();
  ExpectSame(*pin, PinOf(40));

  const Request request{
      .repository_id = Id(0xa0), .created_ms = 1'700'000'000'000, .reason = "why"};
  const std::string encoded = EncodeRequest(request).value();
  const std::string file = golden::ReadGolden("request", encoded);
  EXPECT_EQ(DecodeRequest(file, "").value(), request);
  EXPECT_EQ(file, encoded);
}

TEST(PinTest, Invariant09DamageIsNoticedWhereverItIs) {
  for (const std::string& file :
       {EncodePin(PinOf(39)).value(), EncodeRequest({Id(1), 2, "r"}).value()}) {
    const bool is_pin = file == EncodePin(PinOf(39)).value();
    const auto is_refused = [&](const std::string& bytes) {
      const Status status =
          is_pin ? DecodePin(bytes, "here").error() : DecodeRequest(bytes, "here").error();
      return !status.ok() && status.message().find("here") != std::string_view::npos;
    };
    EXPECT_FALSE(is_refused(file));
    for (size_t i = 0; i < file.size(); ++i) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x10);
      EXPECT_TRUE(is_refused(damaged)) << "byte " << i;
      EXPECT_TRUE(is_refused(file.substr(0, i))) << "cut at " << i;
    }
    EXPECT_TRUE(is_refused(file + "x"));
  }
}

TEST(PinTest, WhatAPinSaysMustFitTogether) {
  const auto refusal = [](const std::function<void(Pin&)>& spoil) {
    Pin pin = PinOf(40);
    spoil(pin);
    const auto file = EncodePin(pin);
    return file.has_value() ? std::string(DecodePin(*file, "here").error().name()) : "not encoded";
  };
  EXPECT_EQ(refusal([](Pin&) {}), "");
  EXPECT_EQ(refusal([](Pin& pin) { pin.lists.clear(); }), "") << "keeps nothing, harms nobody";
  EXPECT_EQ(refusal([](Pin& pin) { pin.checkpoint = 41; }), "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) { pin.name = "../x"; }), "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) { pin.repository_id = Id(7); }), "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) { pin.reason.assign(kReasonBytesMax + 1, 'r'); }),
            "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) { std::swap(pin.lists[0], pin.lists[1]); }), "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) { pin.lists[1] = List(); }), "pin-structure");
  EXPECT_EQ(refusal([](Pin& pin) {
              // A file that nobody would keep.
              pin.lists[0].files.erase(pin.lists[0].checkpoints[0].segments[0]);
            }),
            "manifest-invariant");
}

TEST(PinTest, NamesThatLeadElsewhereAreNone) {
  EXPECT_EQ(PinName("a"), "pins/a");
  EXPECT_EQ(ParsePinName("pins/a"), "a");
  EXPECT_EQ(ParsePinName("pins/Before_the-upgrade.2"), "Before_the-upgrade.2");
  for (const char* name : {"", "pins/", "pins/a/b", "pins/..", "pins/.a", "pins/a b",
                           "pins/a.tmp-0123456789abcdef-", "a", "requests/a"})
    EXPECT_EQ(ParsePinName(name), std::nullopt) << name;
  EXPECT_EQ(RequestName(0xabc), "requests/0000000000000abc");
  EXPECT_EQ(ParseRequestName(RequestName(UINT64_MAX)), UINT64_MAX);
  EXPECT_EQ(ParseRequestName(RequestName(0xabc)), 0xabcu);
  for (const char* name : {"", "requests/", "requests/abc", "requests/0000000000000ABC",
                           "requests/00000000000000abcd", "requests/../etc/passwd..."})
    EXPECT_EQ(ParseRequestName(name), std::nullopt) << name;
}

}  // namespace
}  // namespace tidemark::format
