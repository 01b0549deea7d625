// ckpt-inspect dump and get: FlatBuffers as JSON, whatever their bytes are, and keys as people
// write them.
#include "tests/tools/store_repository.h"

#include <tidemark/map_state.h>

#include <flatbuffers/idl.h>

#include <stdexcept>

namespace tidemark::test {
namespace {

constexpr const char* kSchema =
    "table Inner { id:ulong; }\n"
    "table Outer { ratio:double; id:ulong; name:string; inner:[ubyte] (nested_flatbuffer: "
    "\"Inner\"); flex:[ubyte] (flexbuffer); }\n"
    "root_type Outer;\n";

class ValuesTest : public JobFixture {
 protected:
  ValuesTest() : parser_(Options()) {
    if (!parser_.Parse(kSchema)) throw std::runtime_error(parser_.error_);
    flatbuffers::Parser serializer(Options());
    if (!serializer.Parse(kSchema)) throw std::runtime_error(serializer.error_);
    serializer.Serialize();
    schema_.assign(reinterpret_cast<const char*>(serializer.builder_.GetBufferPointer()),
                   serializer.builder_.GetSize());
  }
  static flatbuffers::IDLOptions Options() {
    flatbuffers::IDLOptions options;
    options.binary_schema_builtins = true;  // as `flatc --bfbs-builtins`: says what is nested
    options.json_nested_legacy_flatbuffers = true;
    return options;
  }
  std::string Buffer(const std::string& json) {
    if (!parser_.Parse(json.c_str())) throw std::runtime_error(parser_.error_);
    return {reinterpret_cast<const char*>(parser_.builder_.GetBufferPointer()),
            parser_.builder_.GetSize()};
  }
  // A store with one FlatBuffers value.
  void Write(const std::string& value) {
    const auto store = OpenJob();
    auto table = store
                     ->OpenTable("table", {.key_codec = "string",
                                           .value_codec = "flatbuffer/Outer",
                                           .schema = schema_})
                     .value();
    table.Put("key", value).Check();
    store->Checkpoint(++checkpoint_).value().Wait().Check();
    store->Close().Check();
  }
  Outcome Get(std::vector<std::string> more) {
    more.insert(more.begin(), {"get", path_, "latest"});
    return Inspect(more);
  }

  flatbuffers::Parser parser_;
  std::string schema_;
  uint64_t checkpoint_ = 0;
};

TEST_F(ValuesTest, FlatBuffersAreJson) {
  Write(Buffer(R"({ratio: 1.5, id: 18446744073709551615, name: "a \"b\""})"));
  EXPECT_EQ(Get({"table", "key"}).out,
            "{\"ratio\": 1.5,\"id\": \"18446744073709551615\",\"name\": \"a \\\"b\\\"\"}\n");
  const JsonValue value = Get({"table", "key", "--json"}).json()["value"];
  EXPECT_EQ(value["id"].text(), "18446744073709551615");
  EXPECT_EQ(value["name"].text(), "a \"b\"");
}

// The library writes nan and inf as they are, which is no JSON: a feed could not be read any more.
TEST_F(ValuesTest, NumbersThatJsonDoesNotKnowAreStrings) {
  for (const char* number : {"nan", "inf", "-inf"}) {
    Write(Buffer(std::string("{ratio: ") + number + ", name: \"nan, inf\"}"));
    const JsonValue value = Get({"table", "key", "--json"}).json()["value"];
    EXPECT_EQ(value["ratio"].text(), number);
    EXPECT_EQ(value["name"].text(), "nan, inf");
  }
}

// Nobody verifies what lies in a byte vector: with a schema that says what it should be, the
// library followed its offsets to nowhere, and the tool was killed.
TEST_F(ValuesTest, BytesOfNestedBuffersAreNotFollowed) {
  for (const char* json : {"{inner: [255, 255, 255, 127, 1, 2, 3, 4]}", "{inner: []}",
                           "{flex: [255, 255, 255, 255, 40, 8]}"}) {
    std::string plain = kSchema;  // as a program writes them
    for (const char* attribute : {" (nested_flatbuffer: \"Inner\")", " (flexbuffer)"})
      plain.erase(plain.find(attribute), std::string(attribute).size());
    flatbuffers::Parser writer;
    ASSERT_TRUE(writer.Parse(plain.c_str()) && writer.Parse(json)) << writer.error_;
    Write({reinterpret_cast<const char*>(writer.builder_.GetBufferPointer()),
           writer.builder_.GetSize()});
    const Outcome outcome = Get({"table", "key"});
    EXPECT_EQ(outcome.exit_code, 0) << json << outcome.err;
    EXPECT_CONTAINS(outcome.out, "[");
  }
}

TEST_F(ValuesTest, WhatIsNoFlatBufferIsHex) {
  const std::string good = Buffer("{id: 7, name: \"name\"}");
  for (const size_t size : {size_t{0}, size_t{3}, size_t{4}, good.size() / 2}) {
    Write(good.substr(0, size));
    EXPECT_TRUE(Get({"table", "key"}).out.starts_with("hex:")) << size;
  }
  std::string far = good;
  far[0] = far[1] = far[2] = '\x7f';
  Write(far);
  EXPECT_TRUE(Get({"table", "key"}).out.starts_with("hex:7f7f7f"));
}

TEST_F(ValuesTest, KeysAreTextNumbersHexOrBase64) {
  {
    const auto store = OpenJob();
    store->Value<std::string, uint64_t>("words").value().Put("apple", 5).Check();
    store->Value<int32_t, uint64_t>("numbers").value().Put(-7, 6).Check();
    store->Map<std::string, std::string, uint64_t>("maps").value().Put("p", "e", 7).Check();
    store->Map<std::string, std::string, uint64_t>("maps").value().Put("p", "", 8).Check();
    store->Checkpoint(1).value().Wait().Check();
    store->Close().Check();
  }
  EXPECT_EQ(Get({"words", "hex:6170706c65"}).out, "5\n");
  EXPECT_EQ(Get({"words", "b64:YXBwbGU="}).out, "5\n");
  EXPECT_EQ(Get({"numbers", "-7"}).out, "6\n");
  EXPECT_EQ(Get({"maps", "b64:cA==", "e"}).out, "7\n");
  EXPECT_EQ(Get({"maps", "p", ""}).out, "8\n");
  EXPECT_EQ(Get({"maps", "p"}).exit_code, 2);
  for (const char* bad : {"b64:YXBwbGU", "b64:YX*wbGU=", "b64:YR==", "hex:6", "hex:zz"})
    EXPECT_EQ(Get({"words", bad}).exit_code, 2) << bad;
  const Outcome no_map = Get({"words", "apple", "e"});
  EXPECT_EQ(no_map.exit_code, 2);
  EXPECT_CONTAINS(no_map.err, "table `words` has no maps");
}

// Each subtask has ordered tables of its own: `get` showed one value of two.
TEST_F(ValuesTest, OneOfSeveralValuesIsNoAnswer) {
  for (const uint32_t subtask : {0u, 1u}) {
    const auto store = OpenJob({subtask, 2});
    auto table = store->OpenTable("table", {.kind = TableKind::kOrderedBytes}).value();
    table.Put("key", "of " + std::to_string(subtask)).Check();
    store->Checkpoint(1).value().Wait().Check();
    store->Close().Check();
  }
  const Outcome both = Get({"table", "key"});
  EXPECT_EQ(both.exit_code, 2);
  EXPECT_EQ(both.out, "");
  EXPECT_CONTAINS(both.err, "--subtask");
  EXPECT_EQ(Get({"table", "key", "--subtask", "1"}).out, "\"of 1\"\n");
}

}  // namespace
}  // namespace tidemark::test
