#include "control/snapshot_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/support/configurations.hpp"
#include "tests/support/certificates.hpp"

namespace sluice::control {
namespace {

using test::KeyKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::with;

NamedCertificate named(const std::string& name, KeyKind kind, const std::string& host) {
  const auto made = test::make_certificate(kind, {host});
  return {name, tls::CertifiedKey::from_pem(made.chain_pem, made.key_pem).value()};
}

// In the order in which a directory's certificates are kept.
const CertificateStore& store() {
  static const CertificateStore kStore{
      .certificates = {named("blog", KeyKind::kEcdsaP256, "blog.example"),
                       named("shop", KeyKind::kEcdsaP256, "*.shop.example"),
                       named("shop-rsa", KeyKind::kRsa2048, "*.shop.example")},
      .errors = {},
      .warnings = {}};
  return kStore;
}

struct Built {
  std::optional<run::Snapshot> snapshot;
  std::vector<std::string> problems;
};

Built build(std::string_view text) {
  Problems problems("sluice.yaml");
  const auto configuration = parse_configuration(text, testing::options(), problems);
  if (!configuration) return {std::nullopt, problems.lines()};
  auto snapshot = build_snapshot(*configuration, store(), problems);
  return {std::move(snapshot), problems.lines()};
}

// Names of the certificates of a route of the only listener.
std::vector<std::string> certificates(const Built& built, std::size_t route) {
  std::vector<std::string> names;
  for (const auto& key : built.snapshot->listeners[0].routes[route].policy->certificates) {
    for (const auto& certificate : store().certificates) {
      if (certificate.key == key) names.push_back(certificate.name);
    }
  }
  return names;
}

std::string routes(const std::string& list) {
  return with("listeners:\n  - name: https\n    address: 198.18.0.2:443\n    routes:\n" + list);
}

TEST(SnapshotBuilder, ARouteWithoutMatchHasAllCertificatesTheDefaultFirst) {
  const Built built = build(routes("      - {mode: tcp, backend: shop}\n"));
  ASSERT_THAT(built.problems, IsEmpty());
  EXPECT_THAT(certificates(built, 0), ElementsAre("blog", "shop", "shop-rsa"));
}

TEST(SnapshotBuilder, TheConfiguredDefaultComesFirst) {
  const Built built = build(with("certificates: {directory: certs, default: shop}\n"));
  ASSERT_THAT(built.problems, IsEmpty());
  EXPECT_THAT(certificates(built, 0), ElementsAre("shop", "blog", "shop-rsa"));
}

TEST(SnapshotBuilder, ANamedRouteHasTheCertificatesThatFitThenTheDefault) {
  const Built built =
      build(routes("      - {match: {sni: www.shop.example}, mode: tcp, backend: shop}\n"
                   "      - {match: {sni: \"*.shop.example\"}, mode: tcp, backend: shop}\n"
                   "      - {match: {sni: \"*.example\"}, mode: tcp, backend: shop}\n"
                   "      - {match: {sni: elsewhere.test}, mode: tcp, backend: shop}\n"));
  ASSERT_THAT(built.problems, IsEmpty());
  EXPECT_THAT(certificates(built, 0), ElementsAre("shop", "shop-rsa", "blog"));
  EXPECT_THAT(certificates(built, 1), ElementsAre("shop", "shop-rsa", "blog"));
  EXPECT_THAT(certificates(built, 2), ElementsAre("blog"));
  EXPECT_THAT(certificates(built, 3), ElementsAre("blog"));
}

TEST(SnapshotBuilder, CertificatesByNameAreTakenAsTheyStand) {
  const Built built =
      build(routes("      - {mode: tcp, backend: shop, certificates: [shop-rsa, blog]}\n"));
  ASSERT_THAT(built.problems, IsEmpty());
  EXPECT_THAT(certificates(built, 0), ElementsAre("shop-rsa", "blog"));
}

TEST(SnapshotBuilder, AnUnknownCertificateIsNamedWithItsPlaceAndASuggestion) {
  const Built built =
      build(routes("      - {mode: tcp, backend: shop, certificates: [shop, blgo]}\n"));
  EXPECT_FALSE(built.snapshot);
  EXPECT_THAT(
      built.problems,
      ElementsAre("sluice.yaml:5:57: there is no certificate \"blgo\"; expected the name of "
                  "a file in the certificates' directory, without its extension; did you "
                  "mean \"blog\"?"));
}

TEST(SnapshotBuilder, TheSnapshotCarriesWhatTheRoutesSay) {
  const Built built = build(routes(
      "      - {match: {sni: a.example}, mode: tcp, backend: shop, alpn: [h2],\n"
      "         suites: [TLS_AES_256_GCM_SHA384], groups: [secp256r1], timeouts: {idle: 9s}}\n"));
  ASSERT_THAT(built.problems, IsEmpty());
  const run::ListenerSettings& listener = built.snapshot->listeners.at(0);
  EXPECT_EQ(listener.name, "https");
  EXPECT_EQ(listener.address.to_string(), "198.18.0.2:443");
  EXPECT_EQ(listener.handshake_timeout, base::Duration::seconds(5));
  const run::RouteSettings& route = listener.routes.at(0);
  EXPECT_THAT(route.server_names, ElementsAre("a.example"));
  EXPECT_THAT(route.policy->alpn, ElementsAre("h2"));
  EXPECT_THAT(route.policy->suites, ElementsAre(tls::CipherSuite::TLS_AES_256_GCM_SHA384));
  EXPECT_THAT(route.policy->groups, ElementsAre(tls::NamedGroup::secp256r1));
  EXPECT_EQ(route.idle_timeout, base::Duration::seconds(9));
  EXPECT_EQ(built.snapshot->backends.at(route.backend).name, "shop");
}

}  // namespace
}  // namespace sluice::control
