#include "media/transport/stream_framing.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace isthmus::media::transport {
namespace {

void append_frame(std::vector<std::byte>& stream, std::string_view text) {
    const auto length = frame_length_field(text.size());
    stream.insert(stream.end(), length.begin(), length.end());
    for (const char c : text) {
        stream.push_back(static_cast<std::byte>(c));
    }
}

std::string text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Feeds `stream` in reads of at most `read_bytes`; gives the frames, and "!" for an error.
std::vector<std::string> frames_of(StreamDeframer& deframer,
                                   std::span<const std::byte> stream,
                                   std::size_t read_bytes) {
    std::vector<std::string> frames;
    std::vector<std::byte> buffer(70000);
    while (!stream.empty()) {
        const std::size_t count = std::min(read_bytes, stream.size());
        const std::span<std::byte> room = deframer.begin(buffer);
        std::ranges::copy(stream.first(count), room.begin());
        stream = stream.subspan(count);
        deframer.received(count);
        while (true) {
            const auto frame = deframer.next();
            if (!frame) {
                frames.emplace_back("!");
                return frames;
            }
            if (!*frame) {
                break;
            }
            frames.push_back(text_of(**frame));
        }
        deframer.end();
        // What a read left must not depend on its buffer.
        std::ranges::fill(buffer, std::byte{0xEE});
    }
    return frames;
}

TEST(StreamDeframer, FindsFramesHoweverTheStreamIsCut) {
    const std::vector<std::string> sent = {"a", "bc", std::string(300, 'd'), "e", "fgh"};
    std::vector<std::byte> stream;
    for (const std::string& frame : sent) {
        append_frame(stream, frame);
    }
    for (std::size_t read_bytes = 1; read_bytes <= stream.size(); ++read_bytes) {
        StreamDeframer deframer(1500);
        EXPECT_EQ(frames_of(deframer, stream, read_bytes), sent) << read_bytes;
        EXPECT_EQ(deframer.kept_bytes(), 0U);
    }
}

TEST(StreamDeframer, KeepsOnlyWhatIsIncomplete) {
    std::vector<std::byte> stream;
    append_frame(stream, "whole");
    append_frame(stream, "incomplete");
    stream.pop_back();
    StreamDeframer deframer(1500);
    EXPECT_EQ(frames_of(deframer, stream, stream.size()), std::vector<std::string>{"whole"});
    EXPECT_EQ(deframer.kept_bytes(), 2U + 9U);
}

// SPEC rfc4571#2
TEST(StreamDeframer, SkipsNullFrames) {
    std::vector<std::byte> stream;
    append_frame(stream, "");
    append_frame(stream, "x");
    append_frame(stream, "");
    StreamDeframer deframer(1500);
    EXPECT_EQ(frames_of(deframer, stream, 3), std::vector<std::string>{"x"});
}

TEST(StreamDeframer, RefusesALongFrameAtItsLengthField) {
    std::vector<std::byte> stream;
    append_frame(stream, std::string(1500, 'a'));
    append_frame(stream, std::string(1501, 'b'));
    stream.resize(2 + 1500 + 2);
    StreamDeframer deframer(1500);
    EXPECT_EQ(frames_of(deframer, stream, stream.size()),
              (std::vector<std::string>{std::string(1500, 'a'), "!"}));
}

TEST(StreamDeframer, TakesANewLimitFromTheNextFrameOn) {
    std::vector<std::byte> stream;
    append_frame(stream, "12345678");
    StreamDeframer deframer(4);
    deframer.set_frame_bytes_max(8);
    EXPECT_EQ(frames_of(deframer, stream, 100), std::vector<std::string>{"12345678"});
}

TEST(StreamDeframer, TakesTheLongestFrameThereIs) {
    std::vector<std::byte> stream;
    append_frame(stream, std::string(kFrameBytesMax, 'z'));
    StreamDeframer deframer(kFrameBytesMax);
    EXPECT_EQ(frames_of(deframer, stream, 1460),
              std::vector<std::string>{std::string(kFrameBytesMax, 'z')});
}

TEST(StreamDeframer, NeverKeepsMoreThanAFrameOfNoise) {
    SeededRandom random(4571);
    for (int round = 0; round < 200; ++round) {
        StreamDeframer deframer(1000);
        std::vector<std::byte> noise(5000);
        random.fill(noise);
        for (std::size_t i = 0; i < noise.size(); i += 2) {
            noise[i] &= std::byte{0x03};  // lengths that are often allowed
        }
        static_cast<void>(frames_of(deframer, noise, 1 + random.next_u32() % 700));
        EXPECT_LE(deframer.kept_bytes(), 1002U);
    }
}

}  // namespace
}  // namespace isthmus::media::transport
