// Fuzz targets: every parser of bytes that Tidemark has not written itself, or may not have.
//
// A target is a function of any bytes. It may not crash, read beyond them, or take much more time
// or memory than they have; what it makes of them is not looked at. `make fuzz` runs each under
// libFuzzer; fuzz_replay_test gives all of them the inputs of corpus/, where what was once found
// stays.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tidemark::test {

using FuzzTarget = std::function<void(std::string_view input)>;
// By name, which is that of its folder in corpus/.
const std::map<std::string, FuzzTarget>& FuzzTargets();

}  // namespace tidemark::test
