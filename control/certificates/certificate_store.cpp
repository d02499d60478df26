#include "control/certificates/certificate_store.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <system_error>
#include <tuple>

#include "control/certificates/secret_file.hpp"
#include "control/certificates/validity.hpp"

namespace sluice::control {
namespace {

namespace fs = std::filesystem;

// The files that spell one certificate's name.
struct Files {
  fs::path pem;
  fs::path certificate;
  fs::path key;
};

std::map<std::string, Files> list_files(const fs::path& directory, CertificateStore& store) {
  std::map<std::string, Files> files;
  std::error_code error;
  fs::directory_iterator entries(directory, error);
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const fs::path& path = entries->path();
    const fs::path extension = path.extension();
    if (extension != ".pem" && extension != ".crt" && extension != ".key") continue;
    if (files.size() == kMaxCertificateFiles) {
      store.errors.push_back(
          fmt::format("{}: more than {} certificates", directory.string(), kMaxCertificateFiles));
      break;
    }
    Files& named = files[path.stem().string()];
    (extension == ".pem" ? named.pem : extension == ".crt" ? named.certificate : named.key) = path;
  }
  if (error) {
    store.errors.push_back(
        fmt::format("{}: cannot be read: {}", directory.string(), error.message()));
  }
  return files;
}

void warn(CertificateStore& store, const fs::path& path, std::string_view text) {
  store.warnings.push_back(fmt::format("{}: {}", path.string(), text));
}

void check_validity(CertificateStore& store, const fs::path& path, const tls::CertifiedKey& key,
                    std::time_t now) {
  const auto validity = validity_of(key.chain().front());
  if (!validity) return;
  if (now > validity->not_after) {
    warn(store, path,
         fmt::format("the certificate expired on {:%Y-%m-%d}; clients will refuse it",
                     fmt::gmtime(validity->not_after)));
  } else if (now < validity->not_before) {
    warn(store, path,
         fmt::format("the certificate is not valid before {:%Y-%m-%d}; clients will "
                     "refuse it",
                     fmt::gmtime(validity->not_before)));
  }
}

// Says which of the two files the error is about.
const fs::path& blamed(tls::CertificateError error, const fs::path& chain, const fs::path& key) {
  const bool is_key =
      error == tls::CertificateError::kNoKey || error == tls::CertificateError::kBadKey;
  return is_key ? key : chain;
}

void load_pair(CertificateStore& store, const std::string& name, const fs::path& chain_path,
               const fs::path& key_path, std::time_t now) {
  const auto unreadable = [&](const fs::path& path, const std::string& why) {
    store.errors.push_back(fmt::format("{}: cannot be read: {}", path.string(), why));
  };
  const auto chain = SecretFile::read(chain_path);
  if (!chain) return unreadable(chain_path, chain.error());
  const auto key = SecretFile::read(key_path);
  if (!key) return unreadable(key_path, key.error());
  const auto certified = tls::CertifiedKey::from_pem(chain->text(), key->text());
  if (!certified) {
    store.errors.push_back(fmt::format("{}: {}",
                                       blamed(certified.error(), chain_path, key_path).string(),
                                       tls::describe(certified.error())));
    return;
  }
  if (key->readable_by_everyone()) {
    warn(store, key_path, "the private key can be read by every user; expected mode 0640 or less");
  }
  check_validity(store, chain_path, **certified, now);
  store.certificates.push_back({name, *certified});
}

void load_named(CertificateStore& store, const std::string& name, const Files& files,
                std::time_t now) {
  if (!files.pem.empty() && !files.certificate.empty()) {
    store.errors.push_back(fmt::format("{}: there also is {}; expected one of them",
                                       files.pem.string(), files.certificate.string()));
  } else if (!files.pem.empty()) {
    load_pair(store, name, files.pem, files.key.empty() ? files.pem : files.key, now);
  } else if (files.certificate.empty()) {
    store.errors.push_back(fmt::format(
        "{}: a key without its certificate; expected {}.crt beside it", files.key.string(), name));
  } else if (files.key.empty()) {
    store.errors.push_back(
        fmt::format("{}: a certificate without its key; expected {}.key beside it",
                    files.certificate.string(), name));
  } else {
    load_pair(store, name, files.certificate, files.key, now);
  }
}

bool is_ecdsa(const NamedCertificate& certificate) {
  return std::ranges::count(certificate.key->schemes(),
                            tls::SignatureScheme::ecdsa_secp256r1_sha256) != 0;
}

}  // namespace

const NamedCertificate* CertificateStore::find(std::string_view name) const {
  const auto found = std::ranges::find(certificates, name, &NamedCertificate::name);
  return found == certificates.end() ? nullptr : &*found;
}

CertificateStore load_certificates(const fs::path& directory, std::time_t now) {
  CertificateStore store;
  for (const auto& [name, files] : list_files(directory, store)) {
    load_named(store, name, files, now);
  }
  if (store.certificates.empty() && store.errors.empty()) {
    store.errors.push_back(
        fmt::format("{}: no certificate in this directory; expected NAME.pem, or "
                    "NAME.crt and NAME.key",
                    directory.string()));
  }
  // The map has sorted by name; signing with ECDSA costs a fraction of RSA.
  std::stable_partition(store.certificates.begin(), store.certificates.end(), is_ecdsa);
  return store;
}

}  // namespace sluice::control
