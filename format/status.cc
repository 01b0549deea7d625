// The parts of <tidemark/status.h> and <tidemark/codec.h> that need no template.
#include <tidemark/codec.h>
#include <tidemark/status.h>

#include "format/assert.h"

namespace tidemark {

std::string_view StatusCodeName(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "OK";
    case StatusCode::kNotFound:
      return "NotFound";
    case StatusCode::kAlreadyExists:
      return "AlreadyExists";
    case StatusCode::kInvalidArgument:
      return "InvalidArgument";
    case StatusCode::kCorruption:
      return "Corruption";
    case StatusCode::kIncompatibleFormat:
      return "IncompatibleFormat";
    case StatusCode::kUnavailable:
      return "Unavailable";
    case StatusCode::kFenced:
      return "Fenced";
    case StatusCode::kBusy:
      return "Busy";
    case StatusCode::kClosed:
      return "Closed";
    case StatusCode::kResourceExhausted:
      return "ResourceExhausted";
    case StatusCode::kUnsupported:
      return "Unsupported";
    case StatusCode::kInternal:
      return "Internal";
  }
  return "Unknown";  // a number that crossed the C ABI
}

Status::Status(StatusCode code, std::string_view name, std::string message)
    : rep_(std::make_unique<Rep>(Rep{code, std::string(name), std::move(message)})) {
  TIDEMARK_ASSERT(code != StatusCode::kOk);
}

std::string Status::ToString() const {
  if (ok()) return "OK";
  std::string text(StatusCodeName(code()));
  text.append(" (").append(name()).append("): ").append(message());
  return text;
}

Status Status::WithContext(std::string_view context) const {
  if (ok()) return {};
  std::string message(context);
  message.append(": ").append(rep_->message);
  return Status(rep_->code, rep_->name, std::move(message));
}

void Status::Check() const {
  if (!ok()) throw BadStatus(ToString());
}

namespace codec_internal {

Status WrongSize(std::string_view codec, size_t expected, size_t got) {
  return Status(StatusCode::kCorruption, "codec-size",
                "the codec `" + std::string(codec) + "` stores " + std::to_string(expected) +
                    " bytes, but " + std::to_string(got) +
                    " were found; the table was written with another type");
}

}  // namespace codec_internal
}  // namespace tidemark
