// FlatBuffers as JSON, by schemas and from values that somebody forged.
#include "tools/flatbuffer_json.h"

#include <flatbuffers/idl.h>
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>

namespace tidemark::tools {
namespace {

constexpr const char* kSchema =
    "enum Colour : ubyte { Red, Green = 5 }\n"
    "struct Point { x:float; y:short; }\n"
    "struct Line { from:Point; to:Point; weights:[int:3]; }\n"
    "table Leaf { name:string; line:Line; }\n"
    "union Any { Leaf, Point, Text:string }\n"
    "table Root { id:ulong; small:byte = -3; flag:bool; colour:Colour; maybe:int = null;\n"
    "  line:Line; points:[Point]; names:[string]; leaves:[Leaf]; any:Any; all:[Any];\n"
    "  root:Root; bytes:[ubyte]; colours:[Colour]; ratio:double; }\n"
    "root_type Root;\n";

class FlatBufferJsonTest : public ::testing::Test {
 protected:
  FlatBufferJsonTest() : parser_(Options()) {
    if (!parser_.Parse(kSchema)) throw std::runtime_error(parser_.error_);
    parser_.Serialize();
    schema_.assign(reinterpret_cast<const char*>(parser_.builder_.GetBufferPointer()),
                   parser_.builder_.GetSize());
  }
  static flatbuffers::IDLOptions Options() {
    flatbuffers::IDLOptions options;
    options.lang_to_generate = flatbuffers::IDLOptions::kCpp;  // which has all of unions
    return options;
  }
  std::string Buffer(const std::string& json) {
    flatbuffers::Parser parser(Options());
    if (!parser.Parse(kSchema) || !parser.Parse(json.c_str()))
      throw std::runtime_error(parser.error_);
    return {reinterpret_cast<const char*>(parser.builder_.GetBufferPointer()),
            parser.builder_.GetSize()};
  }
  std::string Json(const std::string& buffer) {
    const auto by = FlatBufferJson::Of(schema_);
    EXPECT_NE(by, nullptr);
    return by->Json(buffer).value_or("none");
  }

  flatbuffers::Parser parser_;
  std::string schema_;
};

const std::string kRich =
    "{id: 9007199254740993, colour: Green, maybe: 4, flag: true,"
    " line: {from: {x: 1.5, y: -2}, to: {x: 0, y: 3}, weights: [1, 2, 3]},"
    " points: [{x: 1, y: 1}], names: [\"a\", \"\\\"b\\\"\"], leaves: [{name: \"leaf\"}],"
    " any_type: Leaf, any: {name: \"in a union\"},"
    " all_type: [Point, Leaf], all: [{x: 2, y: 2}, {name: \"c\"}],"
    " root: {id: 1, ratio: 0.1}, bytes: [0, 255], colours: [Red, Green]}";

TEST_F(FlatBufferJsonTest, SaysEverythingInTheOrderOfDeclaration) {
  EXPECT_EQ(Json(Buffer(kRich)),
            "{\"id\": \"9007199254740993\",\"small\": -3,\"flag\": true,\"colour\": \"Green\","
            "\"maybe\": 4,\"line\": {\"from\": {\"x\": 1.5,\"y\": -2},\"to\": {\"x\": 0,\"y\": 3},"
            "\"weights\": [1, 2, 3]},\"points\": [{\"x\": 1,\"y\": 1}],\"names\": [\"a\", "
            "\"\\\"b\\\"\"],\"leaves\": [{\"name\": \"leaf\"}],\"any_type\": \"Leaf\",\"any\": "
            "{\"name\": \"in a union\"},\"all_type\": [\"Point\", \"Leaf\"],\"all\": [{\"x\": "
            "2,\"y\": 2}, {\"name\": \"c\"}],\"root\": {\"id\": 1,\"small\": -3,\"flag\": "
            "false,\"colour\": \"Red\",\"any_type\": \"NONE\",\"ratio\": 0.1},\"bytes\": [0, "
            "255],\"colours\": [\"Red\", \"Green\"],\"ratio\": 0}");
  EXPECT_EQ(FlatBufferJson::Of(schema_)->root(), "Root");
}

TEST_F(FlatBufferJsonTest, WhatIsNoTextIsNoJson) {
  std::string buffer = Buffer("{names: [\"text\"]}");
  EXPECT_NE(Json(buffer), "none");
  buffer[buffer.find("text")] = '\xff';
  EXPECT_EQ(Json(buffer), "none");
}

// A thousand names of one long string: a megabyte said gigabytes.
TEST_F(FlatBufferJsonTest, FewBytesThatSayMuchAreNoJson) {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = builder.CreateString(std::string(200'000, 'x'));
  const std::vector<flatbuffers::Offset<flatbuffers::String>> names(1000, text);
  const auto vector = builder.CreateVector(names);
  // names is the eighth field, the type of the union not counted yet: offset 4 + 2 * 7.
  const auto table = builder.StartTable();
  builder.AddOffset(18, vector);
  builder.Finish(flatbuffers::Offset<flatbuffers::Table>(builder.EndTable(table)));
  const std::string buffer(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                           builder.GetSize());
  EXPECT_LT(buffer.size(), 300'000u);
  EXPECT_EQ(Json(buffer), "none");
}

// The library follows every index of a schema. Whatever a byte of it says, the answer is JSON or
// none.
TEST_F(FlatBufferJsonTest, ForgedSchemasAndValuesEndInNothingWorseThanNone) {
  const std::string good = Buffer(kRich);
  const std::string schema = schema_;
  std::mt19937 random(7);
  size_t usable = 0;
  const auto forge = [&](std::string bytes) {
    const size_t changes = 1 + random() % 3;
    for (size_t i = 0; i < changes; ++i)
      bytes[random() % bytes.size()] =
          random() % 4 == 0 ? '\xff' : static_cast<char>(random() % 256);
    return bytes;
  };
  for (int i = 0; i < 20'000; ++i) {
    SCOPED_TRACE("case " + std::to_string(i));
    const std::string forged = i % 4 == 3 ? schema : forge(schema);
    const auto by = FlatBufferJson::Of(forged);
    if (by == nullptr) continue;
    ++usable;
    static_cast<void>(by->Json(i % 2 == 0 ? good : forge(good)));
    static_cast<void>(by->root());
  }
  EXPECT_GT(usable, 5000u);
  for (size_t size = 0; size < schema.size(); ++size) {
    const std::string cut = schema.substr(0, size);
    const auto by = FlatBufferJson::Of(cut);
    if (by != nullptr) static_cast<void>(by->Json(good));
  }
}

}  // namespace
}  // namespace tidemark::tools
