#include "tools/feed.h"

namespace tidemark::tools {

Feed::Feed(Console* console, std::string_view schema, std::string_view repository)
    : console_(*console) {
  Line("head").Text("schema", schema).Text("repository", repository).End();
}

Feed& Feed::Line(std::string_view type) {
  console_.data().append("{\"type\": ").append(JsonString(type));
  return *this;
}

Feed& Feed::Raw(std::string_view name, std::string_view json) {
  console_.data().append(", ").append(JsonString(name)).append(": ").append(json);
  return *this;
}

bool Feed::End() {
  console_.data().append("}\n");
  return console_.Stream();
}

}  // namespace tidemark::tools
