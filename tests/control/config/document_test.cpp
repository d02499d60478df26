#include "control/config/document.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> problems_in(std::string_view text) {
  Problems problems("f");
  (void)parse_document(text, problems);
  return problems.lines();
}

TEST(Document, EveryNodeKnowsItsPlace) {
  Problems problems("f");
  const auto root = parse_document("a: 1\nb:\n  - x\n  - {c: \"d\"}\n", problems);
  ASSERT_TRUE(root);
  EXPECT_THAT(problems.lines(), IsEmpty());
  ASSERT_EQ(root->keys.size(), 2U);
  EXPECT_EQ(root->keys[1].where, (Location{2, 1}));
  const Node& list = root->items[1];
  ASSERT_TRUE(list.is_sequence());
  EXPECT_EQ(list.items[0].where, (Location{3, 5}));
  EXPECT_EQ(list.items[1].items[0].text, "d");
  EXPECT_EQ(list.items[1].items[0].where, (Location{4, 9}));
}

TEST(Document, AKeyWithoutValueIsNull) {
  Problems problems("f");
  const auto root = parse_document("a:\nb: ~\n", problems);
  ASSERT_TRUE(root);
  EXPECT_EQ(root->items[0].kind, Node::Kind::kNull);
  EXPECT_EQ(root->items[1].kind, Node::Kind::kNull);
}

TEST(Document, SyntaxErrorsAreNamedWithTheirPlace) {
  EXPECT_THAT(problems_in("a: [1,\nb: {"),
              ElementsAre("f:2:1: not valid YAML: end of map flow not found"));
  EXPECT_THAT(problems_in("a: b: c\n"), ElementsAre("f:1:5: not valid YAML: illegal map value"));
}

TEST(Document, EmptyTextIsRefused) {
  EXPECT_THAT(problems_in(""), ElementsAre("f: the file is empty; expected a configuration"));
  EXPECT_THAT(problems_in("# nothing\n"),
              ElementsAre("f: the file is empty; expected a configuration"));
}

TEST(Document, ASecondDocumentIsRefused) {
  EXPECT_THAT(problems_in("a: 1\n---\nb: 2\n"),
              ElementsAre("f: the file holds more than one document; expected one"));
}

TEST(Document, AKeyThatStandsTwiceIsRefused) {
  EXPECT_THAT(problems_in("a: 1\nb: 2\na: 3\n"),
              ElementsAre("f:3:1: \"a\" stands here a second time; it is already on line 1; "
                          "expected it once"));
}

TEST(Document, AnchorsAliasesAndTagsAreRefused) {
  EXPECT_THAT(problems_in("a: &x [1]\nb: *x\nc: !mine 3\n"),
              ElementsAre("f:1:4: anchors are not supported; expected the value itself",
                          "f:2:4: aliases are not supported; expected the value itself",
                          "f:3:4: tags are not supported; expected a plain value"));
}

TEST(Document, DeepNestingIsRefusedWithoutExhaustingTheStack) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(problems_in(deep).size(), 1U);
}

TEST(Document, AnOversizedFileIsRefused) {
  const std::string big(kMaxDocumentSize + 1, '#');
  EXPECT_THAT(problems_in(big),
              ElementsAre("f: the file has 1048577 bytes; expected at most 1048576"));
}

TEST(Document, BytesThatAreNoTextAreRefusedOrReadButNeverTrusted) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text(3, static_cast<char>(byte));
    Problems problems("f");
    const auto root = parse_document(text, problems);
    if (!root) {
      EXPECT_FALSE(problems.empty()) << byte;
    }
  }
}

}  // namespace
}  // namespace sluice::control
