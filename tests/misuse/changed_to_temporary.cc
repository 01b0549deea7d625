// refused: (could not convert .* to|no viable conversion from returned value .* to) .*Result<
#include <tidemark/table.h>

// The new value must outlive `change`, so it cannot be a string that dies with it.
tidemark::Status Append(tidemark::Table& table) {
  std::string text;
  return table.Update("key", [&](std::optional<std::string_view> current) {
    text = std::string(current.value_or("")) + "x";
#ifdef MISUSE
    return text;
#else
    return std::string_view(text);
#endif
  });
}
